#include "hardware/interrupt.h"

#include <fcntl.h>
#include <linux/pci_regs.h>
#include <memory>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace vb::hardware {

namespace {

constexpr char taking[] = "take the interrupt";

// Of uio_pci_generic, which sets the bit with each interrupt and has no other way to take it back.
Result<Interrupt::Arm> arm_by_configuration(const std::string& path) {
    auto file = open_file(path, O_RDWR);
    if (!file) { return std::unexpected(file.error()); }
    const auto configuration = std::make_shared<base::UniqueFd>(std::move(*file));
    return [configuration, path]() -> Result<> {
        std::uint16_t command = 0;
        if (::pread(configuration->get(), &command, sizeof command, PCI_COMMAND) != sizeof command) {
            return base::system_error("read", path);
        }
        command = static_cast<std::uint16_t>(command & ~PCI_COMMAND_INTX_DISABLE);
        if (::pwrite(configuration->get(), &command, sizeof command, PCI_COMMAND) != sizeof command) {
            return base::system_error("write to", path);
        }
        return {};
    };
}

// Of all other drivers: 1 enables.
Interrupt::Arm arm_by_node(int node, const std::string& path) {
    return [node, path]() -> Result<> {
        const std::int32_t enable = 1;
        if (::write(node, &enable, sizeof enable) == sizeof enable) { return {}; }
        if (errno == ENOSYS) { return {}; } // a driver that silences nothing
        return base::system_error("write to", path);
    };
}

} // namespace

Result<Interrupt> Interrupt::open_uio(const UioDevice& device) {
    // The counter before the descriptor: what comes in between is counted twice by nobody, and lost by nobody.
    const auto seen = read_number(device.path + "/event");
    if (!seen) { return std::unexpected(seen.error()); }
    auto node = open_file(device.node, O_RDWR | O_NONBLOCK);
    if (!node) { return std::unexpected(node.error()); }
    pollfd state{.fd = node->get(), .events = 0, .revents = 0};
    if (::poll(&state, 1, 0) > 0 && (state.revents & POLLERR) != 0) {
        return base::failure("open", device.node, "the device has no interrupt");
    }
    Arm arm;
    if (link_target_name(device.path + "/device/driver") == "uio_pci_generic") {
        auto by_configuration = arm_by_configuration(device.path + "/device/config");
        if (!by_configuration) { return std::unexpected(by_configuration.error()); }
        arm = std::move(*by_configuration);
    } else {
        arm = arm_by_node(node->get(), device.node);
    }
    Interrupt interrupt = adopt_uio(std::move(*node), static_cast<std::uint32_t>(*seen),
                                    "uio:" + device.number, std::move(arm));
    // Whoever had it before may have left it silenced.
    if (const auto armed = interrupt.arm(); !armed) { return std::unexpected(armed.error()); }
    return interrupt;
}

Result<Interrupt> Interrupt::open_fifo(const std::string& path) {
    // For writing too: else it would be at its end, and readable for ever, whenever nobody else has it open.
    auto fifo = open_file(path, O_RDWR | O_NONBLOCK);
    if (!fifo) { return std::unexpected(fifo.error()); }
    struct stat status{};
    if (::fstat(fifo->get(), &status) != 0) { return base::system_error("open", path); }
    if (!S_ISFIFO(status.st_mode)) {
        return base::failure("open", path, "it is not a FIFO, as mkfifo makes them");
    }
    return Interrupt(Kind::fifo, std::move(*fifo), "file:" + path, {});
}

Result<Interrupt> Interrupt::adopt_eventfd(base::UniqueFd eventfd, std::string name, Arm arm) {
    const int flags = ::fcntl(eventfd.get(), F_GETFL);
    if (flags < 0 || ::fcntl(eventfd.get(), F_SETFL, flags | O_NONBLOCK) != 0) {
        return base::system_error("adopt the interrupt", name);
    }
    return Interrupt(Kind::eventfd, std::move(eventfd), std::move(name), std::move(arm));
}

Interrupt Interrupt::adopt_uio(base::UniqueFd node, std::uint32_t seen, std::string name, Arm arm) {
    Interrupt interrupt(Kind::uio, std::move(node), std::move(name), std::move(arm));
    interrupt.seen_ = seen;
    return interrupt;
}

Result<> Interrupt::arm() { return arm_ ? arm_() : Result<>(); }

Result<std::uint64_t> Interrupt::take() {
    switch (kind_) {
    case Kind::uio:
        return take_uio();
    case Kind::fifo:
        return take_fifo();
    case Kind::eventfd:
        return take_eventfd();
    }
    return 0;
}

Result<std::uint64_t> Interrupt::take_uio() {
    std::uint32_t count = 0;
    const ssize_t size = ::read(fd_.get(), &count, sizeof count);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) { return 0; }
    if (size < 0) { return base::system_error(taking, name_); }
    if (size != sizeof count) { return base::failure(taking, name_, "the device is gone"); }
    return static_cast<std::uint32_t>(count - std::exchange(seen_, count));
}

Result<std::uint64_t> Interrupt::take_fifo() {
    constexpr int most_reads = 64; // of a flood the rest is for the next time: the descriptor stays readable
    std::uint64_t taken = 0;
    for (int reads = 0; reads < most_reads; ++reads) {
        char bytes[4096];
        const ssize_t size = ::read(fd_.get(), bytes, sizeof bytes);
        if (size < 0 && errno != EAGAIN && errno != EINTR) { return base::system_error(taking, name_); }
        if (size <= 0) { break; }
        taken += static_cast<std::uint64_t>(size);
    }
    return taken;
}

Result<std::uint64_t> Interrupt::take_eventfd() {
    std::uint64_t count = 0;
    const ssize_t size = ::read(fd_.get(), &count, sizeof count);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) { return 0; }
    if (size != sizeof count) { return base::system_error(taking, name_); }
    return count;
}

} // namespace vb::hardware
