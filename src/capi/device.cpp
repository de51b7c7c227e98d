// vb_device_* and what they give: src/hardware, behind handles.
#include "capi/device.h"

#include "capi/handles.h"
#include "capi/host.h"
#include "capi/status.h"
#include "hardware/device.h"
#include "hardware/polled.h"

#include "vector_boot_device.h"

#include <cctype>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>

namespace hardware = vb::hardware;

struct vb_device {
    static constexpr char name[] = "device";
    std::unique_ptr<hardware::Device> device;
};
struct vb_region {
    static constexpr char name[] = "region";
    std::shared_ptr<hardware::Region> region; // with those that poll it
};
struct vb_interrupt {
    static constexpr char name[] = "interrupt";
    hardware::Interrupt interrupt;
};
struct vb_poll {
    static constexpr char name[] = "poll";
    std::shared_ptr<hardware::Region> region;
    hardware::Polled polled; // of it
};
struct vb_dma {
    static constexpr char name[] = "dma";
    hardware::DmaBuffer buffer;
};

namespace {

using namespace vb::capi;

constexpr char example[] = "pci:1234:11e8";

std::optional<hardware::Width> width_of(std::uint32_t bytes) noexcept {
    if (bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8) { return std::nullopt; }
    return static_cast<hardware::Width>(bytes);
}

std::int32_t fail_width(const char* function, std::uint32_t width) noexcept {
    return fail(VB_ERROR_ARGUMENT, function, ": width is ", width, ", expected 1, 2, 4 or 8 bytes");
}

// The specification that a name stands for; empty: nobody knows it.
std::string look_up(const std::string& name) {
    if (Host* const machine = host()) {
        if (auto known = machine->device(name); !known.empty()) { return known; }
    }
    std::string variable = "VECTOR_BOOT_DEVICE_";
    for (const char character : name) {
        const bool is_plain = std::isalnum(static_cast<unsigned char>(character)) != 0;
        variable += is_plain ? static_cast<char>(std::toupper(static_cast<unsigned char>(character))) : '_';
    }
    const char* const value = std::getenv(variable.c_str());
    return value == nullptr ? std::string() : std::string(value);
}

} // namespace

namespace vb::capi {

std::int32_t fail_device(const base::Error& error) noexcept {
    return fail_with(VB_ERROR_DEVICE, base::describe(error));
}

Checked<std::string> specification_of(const char* function, const char* what, const char* an_example) {
    if (what == nullptr) { return std::unexpected(fail(VB_ERROR_ARGUMENT, function, ": what is NULL")); }
    std::string specification = what;
    if (specification.contains(':')) { return specification; }
    specification = look_up(what);
    if (!specification.empty()) { return specification; }
    return std::unexpected(
        fail(VB_ERROR_DEVICE, "there is no device \"", what,
             "\": expected a [[device]] of that name in config.toml, or VECTOR_BOOT_DEVICE_NAME in the "
             "environment, or a text such as \"",
             an_example, "\""));
}

} // namespace vb::capi

extern "C" {

int32_t vb_device_open(const char* what, vb_device** out) try {
    if (const int32_t wrong = clear(__func__, out)) { return wrong; }
    const auto specification = specification_of(__func__, what, example);
    return specification ? give(hardware::open_device(*specification), out) : specification.error();
} catch (...) { return caught(__func__); }

int32_t vb_device_check(const char* what) try {
    const auto specification = specification_of(__func__, what, example);
    if (!specification) { return specification.error(); }
    return status_of(hardware::check_device(*specification));
} catch (...) { return caught(__func__); }

void vb_device_free(vb_device* device) { delete device; }

const char* vb_device_name(const vb_device* device) {
    return check_pointers(__func__, device) == VB_OK ? device->device->name().c_str() : "";
}

int32_t vb_device_region_count(const vb_device* device) {
    if (const int32_t wrong = check_pointers(__func__, device)) { return wrong; }
    return succeed(static_cast<int32_t>(device->device->regions().size()));
}

const char* vb_device_region_name(const vb_device* device, uint32_t index) {
    if (check_pointers(__func__, device) != VB_OK || index >= device->device->regions().size()) { return ""; }
    return device->device->regions()[index].name.c_str();
}

int32_t vb_device_map(vb_device* device, uint32_t index, vb_region** out) try {
    if (const int32_t wrong = clear(__func__, out)) { return wrong; }
    if (const int32_t wrong = check_pointers(__func__, device)) { return wrong; }
    const auto& regions = device->device->regions();
    if (index >= regions.size()) {
        return fail(VB_ERROR_ARGUMENT, "vb_device_map: index is ", index, ", and the device has ",
                    regions.size(), " regions");
    }
    auto mapped = device->device->map(regions[index].index);
    if (!mapped) { return fail_device(mapped.error()); }
    *out = new vb_region{std::make_shared<hardware::Region>(*std::move(mapped))};
    return succeed();
} catch (...) { return caught(__func__); }

int32_t vb_device_is_present(const vb_device* device) try {
    if (const int32_t wrong = check_pointers(__func__, device)) { return wrong; }
    return succeed(device->device->is_present() ? 1 : 0);
} catch (...) { return caught(__func__); }

size_t vb_region_size(const vb_region* region) {
    return check_pointers(__func__, region) == VB_OK ? region->region->size() : 0;
}

int32_t vb_region_read(const vb_region* region, uint32_t width, size_t offset, uint64_t* value) {
    if (const int32_t wrong = check_pointers(__func__, region, {{"value", value}})) { return wrong; }
    const auto wide = width_of(width);
    if (!wide) { return fail_width(__func__, width); }
    const auto read = region->region->read(*wide, offset);
    if (!read) { return fail_device(read.error()); }
    *value = *read;
    return succeed();
}

int32_t vb_region_write(vb_region* region, uint32_t width, size_t offset, uint64_t value) {
    if (const int32_t wrong = check_pointers(__func__, region)) { return wrong; }
    const auto wide = width_of(width);
    return wide ? status_of(region->region->write(*wide, offset, value)) : fail_width(__func__, width);
}

int32_t vb_region_read_block(const vb_region* region, uint32_t width, size_t offset, void* to, size_t size) {
    if (const int32_t wrong = check_pointers(__func__, region, {{"to", size > 0 ? to : ""}})) {
        return wrong;
    }
    const auto wide = width_of(width);
    if (!wide) { return fail_width(__func__, width); }
    return status_of(region->region->read_block(*wide, offset, {static_cast<std::byte*>(to), size}));
}

int32_t vb_region_write_block(vb_region* region, uint32_t width, size_t offset, const void* from,
                              size_t size) {
    if (const int32_t wrong = check_pointers(__func__, region, {{"from", size > 0 ? from : ""}})) {
        return wrong;
    }
    const auto wide = width_of(width);
    if (!wide) { return fail_width(__func__, width); }
    return status_of(region->region->write_block(*wide, offset, {static_cast<const std::byte*>(from), size}));
}

void vb_region_free(vb_region* region) { delete region; }

void vb_barrier(void) { hardware::full_barrier(); }

int32_t vb_device_interrupt(vb_device* device, vb_interrupt** out) try {
    if (const int32_t wrong = clear(__func__, out)) { return wrong; }
    if (const int32_t wrong = check_pointers(__func__, device)) { return wrong; }
    return give(device->device->interrupt(), out);
} catch (...) { return caught(__func__); }

int32_t vb_device_removal(vb_device* device, vb_interrupt** out) try {
    if (const int32_t wrong = clear(__func__, out)) { return wrong; }
    if (const int32_t wrong = check_pointers(__func__, device)) { return wrong; }
    return give(device->device->removal(), out);
} catch (...) { return caught(__func__); }

int32_t vb_interrupt_fd(const vb_interrupt* interrupt) {
    if (const int32_t wrong = check_pointers(__func__, interrupt)) { return wrong; }
    return succeed(interrupt->interrupt.fd());
}

int32_t vb_interrupt_take(vb_interrupt* interrupt, uint64_t* count) try {
    if (const int32_t wrong = check_pointers(__func__, interrupt, {{"count", count}})) { return wrong; }
    const auto taken = interrupt->interrupt.take();
    if (!taken) { return fail_device(taken.error()); }
    *count = *taken;
    return succeed();
} catch (...) { return caught(__func__); }

int32_t vb_interrupt_arm(vb_interrupt* interrupt) try {
    if (const int32_t wrong = check_pointers(__func__, interrupt)) { return wrong; }
    return status_of(interrupt->interrupt.arm());
} catch (...) { return caught(__func__); }

void vb_interrupt_free(vb_interrupt* interrupt) { delete interrupt; }

int32_t vb_region_poll(const vb_region* region, uint32_t width, size_t offset, uint64_t mask,
                       uint64_t period_us, vb_poll** out) try {
    if (const int32_t wrong = clear(__func__, out)) { return wrong; }
    if (const int32_t wrong = check_pointers(__func__, region)) { return wrong; }
    const auto wide = width_of(width);
    if (!wide) { return fail_width(__func__, width); }
    constexpr std::uint64_t day = 86'400'000'000;
    if (period_us > day) {
        return fail(VB_ERROR_ARGUMENT, "vb_region_poll: period_us is ", period_us,
                    ", expected a day at most");
    }
    hardware::Polled::Options options{.width = *wide, .offset = offset, .mask = mask};
    if (period_us > 0) { options.period = std::chrono::microseconds(period_us); }
    auto polled = hardware::Polled::open(*region->region, options);
    if (!polled) { return fail_device(polled.error()); }
    *out = new vb_poll{region->region, *std::move(polled)};
    return succeed();
} catch (...) { return caught(__func__); }

int32_t vb_poll_fd(const vb_poll* poll) {
    if (const int32_t wrong = check_pointers(__func__, poll)) { return wrong; }
    return succeed(poll->polled.fd());
}

int32_t vb_poll_take(vb_poll* poll, uint64_t* value) {
    if (const int32_t wrong = check_pointers(__func__, poll, {{"value", value}})) { return wrong; }
    const auto change = poll->polled.due();
    if (!change) { return fail_device(change.error()); }
    *value = poll->polled.value();
    return succeed(change->has_value() ? VB_OK : VB_AGAIN);
}

void vb_poll_free(vb_poll* poll) { delete poll; }

int32_t vb_device_allocate(vb_device* device, size_t size, uint64_t mask, vb_dma** out) try {
    if (const int32_t wrong = clear(__func__, out)) { return wrong; }
    if (const int32_t wrong = check_pointers(__func__, device)) { return wrong; }
    return give(device->device->allocate_dma(size, mask), out);
} catch (...) { return caught(__func__); }

uint64_t vb_dma_address(const vb_dma* dma) {
    return check_pointers(__func__, dma) == VB_OK ? dma->buffer.device_address() : 0;
}
void* vb_dma_data(vb_dma* dma) {
    return check_pointers(__func__, dma) == VB_OK ? dma->buffer.bytes().data() : nullptr;
}
size_t vb_dma_size(const vb_dma* dma) {
    return check_pointers(__func__, dma) == VB_OK ? dma->buffer.size() : 0;
}
void vb_dma_free(vb_dma* dma) { delete dma; }

} // extern "C"
