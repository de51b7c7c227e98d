// vb_gpio_*, vb_input_* and vb_uevents_*: src/hardware, behind handles that give one at a time of what came at once.
#include "capi/device.h"
#include "capi/handles.h"
#include "capi/options.h"
#include "capi/status.h"
#include "hardware/gpio.h"
#include "hardware/input.h"
#include "hardware/uevents.h"

#include "vector_boot_device.h"

#include <vector>

namespace hardware = vb::hardware;

namespace {

using namespace vb::capi;
using vb::base::Result;

template <class Value>
class Waiting {
  public:
    // The next one, which stays until the next call; NULL: there is none yet.
    template <class Source>
    Result<const Value*> next(Source& source) {
        if (given_ == came_.size()) {
            Result<std::vector<Value>> taken = source.take();
            if (!taken) { return std::unexpected(taken.error()); }
            came_ = *std::move(taken);
            given_ = 0;
        }
        return came_.empty() ? nullptr : &came_[given_++];
    }

  private:
    std::vector<Value> came_;
    std::size_t given_ = 0;
};

// Fills the caller's struct with the next one, as `fill` has it.
template <class Value, class Source, class Struct, class Fill>
std::int32_t take(Waiting<Value>& waiting, Source& source, Struct* to, Fill fill) {
    const auto next = waiting.next(source);
    if (!next) { return fail_device(next.error()); }
    if (*next == nullptr) { return succeed(VB_AGAIN); }
    write_struct(fill(**next), to);
    return succeed();
}

std::uint64_t count_of(vb::base::Nanoseconds time) noexcept {
    return static_cast<std::uint64_t>(time.count());
}

} // namespace

struct vb_gpio {
    static constexpr char name[] = "line";
    hardware::GpioLine line;
    Waiting<hardware::GpioEdge> edges = {};
};
struct vb_input {
    static constexpr char name[] = "input";
    hardware::InputDevice device;
    Waiting<hardware::InputEvent> events = {};
};
struct vb_uevents {
    static constexpr char name[] = "uevents";
    hardware::Uevents source;
    Waiting<hardware::Uevent> events = {};
};

extern "C" {

int32_t vb_gpio_open(const char* what, vb_gpio** out) try {
    if (const int32_t wrong = clear(__func__, out)) { return wrong; }
    const auto specification = specification_of(__func__, what, "gpio:gpiochip0:17");
    return specification ? give(hardware::open_gpio_line(*specification), out) : specification.error();
} catch (...) { return caught(__func__); }

void vb_gpio_free(vb_gpio* line) { delete line; }

const char* vb_gpio_name(const vb_gpio* line) {
    return check_pointers(__func__, line) == VB_OK ? line->line.name().c_str() : "";
}

int32_t vb_gpio_read(const vb_gpio* line, int32_t* value) {
    if (const int32_t wrong = check_pointers(__func__, line, {{"value", value}})) { return wrong; }
    const auto is_active = line->line.read();
    if (!is_active) { return fail_device(is_active.error()); }
    *value = *is_active ? 1 : 0;
    return succeed();
}

int32_t vb_gpio_write(vb_gpio* line, int32_t value) {
    if (const int32_t wrong = check_pointers(__func__, line)) { return wrong; }
    return status_of(line->line.write(value != 0));
}

int32_t vb_gpio_fd(const vb_gpio* line) {
    if (const int32_t wrong = check_pointers(__func__, line)) { return wrong; }
    return succeed(line->line.fd());
}

int32_t vb_gpio_take(vb_gpio* line, vb_gpio_edge* edge) try {
    if (const int32_t wrong = check_pointers(__func__, line, {{"edge", edge}})) { return wrong; }
    if (const int32_t wrong = check_size(__func__, "edge", edge)) { return wrong; }
    return take(line->edges, line->line, edge, [](const hardware::GpioEdge& next) {
        vb_gpio_edge filled = VB_GPIO_EDGE_INIT;
        filled.is_rising = next.is_rising ? 1 : 0;
        filled.time_ns = count_of(next.time);
        filled.lost = next.lost;
        return filled;
    });
} catch (...) { return caught(__func__); }

int32_t vb_input_open(const char* what, vb_input** out) try {
    if (const int32_t wrong = clear(__func__, out)) { return wrong; }
    const auto specification = specification_of(__func__, what, "input:event0");
    return specification ? give(hardware::open_input_device(*specification), out) : specification.error();
} catch (...) { return caught(__func__); }

void vb_input_free(vb_input* input) { delete input; }

const char* vb_input_name(const vb_input* input) {
    return check_pointers(__func__, input) == VB_OK ? input->device.name().c_str() : "";
}

int32_t vb_input_fd(const vb_input* input) {
    if (const int32_t wrong = check_pointers(__func__, input)) { return wrong; }
    return succeed(input->device.fd());
}

int32_t vb_input_take(vb_input* input, vb_input_event* event) try {
    if (const int32_t wrong = check_pointers(__func__, input, {{"event", event}})) { return wrong; }
    if (const int32_t wrong = check_size(__func__, "event", event)) { return wrong; }
    return take(input->events, input->device, event, [](const hardware::InputEvent& next) {
        vb_input_event filled = VB_INPUT_EVENT_INIT;
        filled.type = next.type;
        filled.code = next.code;
        filled.value = next.value;
        filled.time_ns = count_of(next.time);
        return filled;
    });
} catch (...) { return caught(__func__); }

int32_t vb_input_is_pressed(const vb_input* input, uint16_t key) {
    if (const int32_t wrong = check_pointers(__func__, input)) { return wrong; }
    return succeed(input->device.is_pressed(key) ? 1 : 0);
}

int32_t vb_input_is_on(const vb_input* input, uint16_t switch_code) {
    if (const int32_t wrong = check_pointers(__func__, input)) { return wrong; }
    return succeed(input->device.is_on(switch_code) ? 1 : 0);
}

int32_t vb_uevents_open(vb_uevents** out) try {
    if (const int32_t wrong = clear(__func__, out)) { return wrong; }
    return give(hardware::Uevents::open(), out);
} catch (...) { return caught(__func__); }

void vb_uevents_free(vb_uevents* uevents) { delete uevents; }

int32_t vb_uevents_fd(const vb_uevents* uevents) {
    if (const int32_t wrong = check_pointers(__func__, uevents)) { return wrong; }
    return succeed(uevents->source.fd());
}

int32_t vb_uevents_take(vb_uevents* uevents, vb_uevent* event) try {
    if (const int32_t wrong = check_pointers(__func__, uevents, {{"event", event}})) { return wrong; }
    if (const int32_t wrong = check_size(__func__, "event", event)) { return wrong; }
    return take(uevents->events, uevents->source, event, [](const hardware::Uevent& next) {
        vb_uevent filled = VB_UEVENT_INIT;
        filled.action = next.action.c_str();
        filled.path = next.path.c_str();
        filled.subsystem = next.subsystem.c_str();
        filled.name = next.name.c_str();
        return filled;
    });
} catch (...) { return caught(__func__); }

} // extern "C"
