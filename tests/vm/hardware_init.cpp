// PID 1 of a machine with QEMU's "edu" device and a keyboard, which drives them by vb_hardware in each way that there
// is, and says on the console what came of it: by sysfs, by UIO, by VFIO, and while the device is being unplugged; keys
// as they come, and more of them than the kernel keeps. hardware_test.py reads that.
#include "hardware/input.h"
#include "hardware/pci_driver.h"
#include "hardware/vfio.h"
#include "sys/module_file.h"

#include "base/clock.h"
#include "base/log.h"

#include <algorithm>
#include <cstdlib>
#include <fcntl.h>
#include <linux/reboot.h>
#include <poll.h>
#include <string>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

using namespace vb;
using namespace vb::hardware;

const PciName edu{.address = {}, .vendor = 0x1234, .device = 0x11e8};

// Its registers, as docs/specs/edu.rst of QEMU has them.
enum Register : std::size_t {
    identification = 0x00,
    liveness = 0x04,
    factorial = 0x08,
    status = 0x20,
    interrupt_status = 0x24,
    interrupt_raise = 0x60,
    interrupt_acknowledge = 0x64,
    dma_source = 0x80,
    dma_target = 0x88,
    dma_count = 0x90,
    dma_command = 0x98,
};
constexpr std::uint32_t is_computing = 1;
constexpr std::uint64_t own_memory = 0x40000; // of the device, 4 KiB, as its DMA sees it
constexpr std::uint64_t dma_mask = (1 << 28) - 1;
constexpr std::uint64_t dma_start = 1, dma_to_memory = 2, dma_interrupt = 4;
constexpr std::uint32_t dma_is_done = 0x100; // of interrupt_status

const base::Log out(STDERR_FILENO, "hardware");

base::Text<15> hexadecimal(std::uint32_t value) {
    base::Text<15> digits;
    digits.append(value, 16);
    return digits;
}

[[noreturn]] void power_off() {
    ::sync();
    ::syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_POWER_OFF, nullptr);
    std::abort();
}

[[noreturn]] void fail(std::string_view reason) {
    out.error("FAILED: ", reason);
    power_off();
}

template <class Value>
Value must(Result<Value>&& result) {
    if (!result) { fail(base::describe(result.error())); }
    if constexpr (!std::is_void_v<Value>) { return std::move(*result); }
}

bool wait_for(int fd) {
    pollfd state{.fd = fd, .events = POLLIN, .revents = 0};
    return ::poll(&state, 1, 20'000) == 1;
}

void prepare() {
    ::mount("proc", "/proc", "proc", 0, nullptr);
    ::mount("sysfs", "/sys", "sysfs", 0, nullptr);
    ::mount("devtmpfs", "/dev", "devtmpfs", 0, nullptr);
    const int console = ::open("/dev/console", O_RDWR | O_CLOEXEC);
    for (const int fd : {0, 1, 2}) {
        ::dup2(console, fd);
    }
    for (const std::string& module : names_in("/modules")) { // numbered in the order of their dependencies
        const std::string path = "/modules/" + module;
        must(sys::insert_module(path.c_str(), ""));
    }
}

void identify(Region& registers) {
    out.info("identification ", hexadecimal(must(registers.read<std::uint32_t>(identification))));
    must(registers.write(liveness, std::uint32_t{0x12345678}));
    out.info("liveness ", hexadecimal(must(registers.read<std::uint32_t>(liveness))));
    must(registers.write(factorial, std::uint32_t{10}));
    while ((must(registers.read<std::uint32_t>(status)) & is_computing) != 0) {}
    out.info("factorial ", must(registers.read<std::uint32_t>(factorial)));
}

// Two readers of one keyboard: this one takes every event until the last key, the other none before that.
void use_keyboard() {
    InputDevice late = must(InputDevice::open("QEMU Virtio Keyboard"));
    InputDevice prompt = must(InputDevice::open(late.name().substr(late.name().find(':') + 1)));
    out.info("waiting for keys of ", late.name());
    std::uint64_t presses = 0;
    while (!prompt.is_pressed(KEY_ENTER)) {
        if (!wait_for(prompt.fd())) { fail("no key was pressed"); }
        for (const InputEvent& event : must(prompt.take())) {
            if (event.type == EV_KEY && event.value == 1) { out.info("press ", ++presses); }
        }
    }
    out.info("keys: ", presses, " presses, ", prompt.losses(), " losses");
    const auto events = must(late.take());
    const bool is_right = late.is_pressed(KEY_B) && late.is_pressed(KEY_ENTER) && !late.is_pressed(KEY_A);
    out.info("keys after ", late.losses(), " loss: ", events.size(), " events, ",
             is_right ? "the same are pressed" : "OTHERS ARE PRESSED");
}

void take_interrupts(Region& registers, Interrupt& interrupt) {
    constexpr unsigned rounds = 100;
    std::uint64_t taken = 0;
    for (unsigned round = 0; round < rounds; ++round) {
        must(registers.write(interrupt_raise, std::uint32_t{1}));
        if (!wait_for(interrupt.fd())) { fail("no interrupt came"); }
        taken += must(interrupt.take());
        must(registers.write(interrupt_acknowledge, std::uint32_t{1}));
        must(interrupt.arm());
    }
    out.info(interrupt.name(), ": ", taken, " of ", rounds, " interrupts");
}

void use_uio() {
    must(bind_driver(must(find_pci_device(edu, {})), "uio_pci_generic"));
    const auto device = must(open_device("pci:1234:11e8"));
    Region registers = must(device->map(0));
    Interrupt interrupt = must(device->interrupt());
    take_interrupts(registers, interrupt);
}

// Without waiting for any of them.
void take_many(Region& registers, Interrupt& interrupt) {
    constexpr unsigned raised = 10'000;
    std::uint64_t taken = 0;
    const base::Nanoseconds begin = base::monotonic_now();
    for (unsigned count = 0; count < raised; ++count) {
        must(registers.write(interrupt_raise, std::uint32_t{1}));
        must(registers.write(interrupt_acknowledge, std::uint32_t{1}));
        taken += count % 100 == 0 ? must(interrupt.take()) : 0;
    }
    while (taken < raised && wait_for(interrupt.fd())) {
        taken += must(interrupt.take());
    }
    const auto each = (base::monotonic_now() - begin) / raised;
    out.info("at full speed: ", taken, " of ", raised, " interrupts, ", each.count(), " ns each");
}

void transfer(Region& registers, Interrupt& interrupt, std::uint64_t from, std::uint64_t to,
              std::uint64_t direction) {
    write_barrier();
    must(registers.write(dma_source, from));
    must(registers.write(dma_target, to));
    must(registers.write(dma_count, std::uint64_t{4096}));
    must(registers.write(dma_command, dma_start | direction | dma_interrupt));
    if (!wait_for(interrupt.fd())) { fail("the transfer did not end"); }
    (void)must(interrupt.take());
    if (must(registers.read<std::uint32_t>(interrupt_status)) != dma_is_done) {
        fail("it was another interrupt");
    }
    must(registers.write(interrupt_acknowledge, dma_is_done));
    read_barrier();
}

void transfer_there_and_back(VfioDevice& device, Region& registers, Interrupt& interrupt) {
    DmaBuffer source = must(device.allocate_dma(4096, dma_mask));
    DmaBuffer target = must(device.allocate_dma(4096, dma_mask));
    for (std::size_t at = 0; at < 4096; ++at) {
        source.bytes()[at] = static_cast<std::byte>(at * 7 + at / 256);
    }
    transfer(registers, interrupt, source.device_address(), own_memory, 0);
    transfer(registers, interrupt, own_memory, target.device_address(), dma_to_memory);
    const bool is_same = std::ranges::equal(source.bytes(), target.bytes());
    out.info("DMA there and back: ", is_same ? "the same" : "DIFFERENT");
    // Outside of what was mapped the IOMMU lets nothing through.
    std::ranges::fill(target.bytes(), std::byte{0xaa});
    const std::uint64_t unmapped = 0x8000000;
    transfer(registers, interrupt, own_memory, unmapped, dma_to_memory);
    const bool is_untouched = std::ranges::count(target.bytes(), std::byte{0xaa}) == 4096;
    out.info("DMA to nowhere: ", is_untouched ? "nothing happened" : "MEMORY CHANGED");
}

// Goes on reading while the host unplugs the device, until the kernel asks for it.
void use_until_removal(std::unique_ptr<VfioDevice> device, Region registers) {
    Interrupt removal = must(device->removal());
    out.info("in use");
    std::uint64_t reads = 0;
    std::uint64_t errors = 0;
    while (must(removal.take()) == 0) {
        const auto value = registers.read<std::uint32_t>(identification);
        ++(value ? reads : errors);
    }
    out.info("asked for after ", reads, " reads and ", errors, " errors");
    registers = Region();
    device.reset();
}

void use_vfio() {
    must(bind_driver(must(find_pci_device(edu, {})), "vfio-pci"));
    auto device = must(VfioDevice::open(edu));
    Region registers = must(device->map(0));
    identify(registers);
    {
        Interrupt interrupt = must(device->interrupt());
        take_interrupts(registers, interrupt);
        take_many(registers, interrupt);
        transfer_there_and_back(*device, registers, interrupt);
    }
    use_until_removal(std::move(device), std::move(registers));
}

// What was mapped by sysfs beforehand is still mapped, with nothing behind it.
void read_what_is_gone(const Device& device, Region& registers) {
    while (device.is_present()) {
        ::usleep(10'000);
    }
    const auto value = registers.read<std::uint32_t>(identification);
    if (value) {
        out.info("gone, a read is ", hexadecimal(*value));
    } else {
        out.info("gone, a read is an error: ", base::describe(value.error()));
    }
}

} // namespace

int main() {
    prepare();
    const auto device = must(open_device("pci:1234:11e8"));
    Region registers = must(device->map(0));
    identify(registers);
    use_uio();
    use_vfio();
    read_what_is_gone(*device, registers);
    use_keyboard();
    out.info("done");
    power_off();
}
