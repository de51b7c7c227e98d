// The interrupt of a device as a descriptor for an event loop, which is readable while some have not been taken, and a
// count of which none is lost: what came while nobody looked is in the next number.
// It must never wait: there is no thread here, and take() without an interrupt is 0. After an error the device is gone,
// and its descriptor may stay readable for ever: it is not to be watched any longer. For one thread at a time.
#pragma once

#include "base/error.h"
#include "base/unique_fd.h"
#include "hardware/uio.h"

#include <cstdint>
#include <functional>
#include <string>

namespace vb::hardware {

class Interrupt {
  public:
    // What lets the next one through, for devices that are silenced with each.
    using Arm = std::function<Result<>()>;

    // Of UIO. Where its driver is uio_pci_generic, the next interrupt is let through in the configuration space.
    static Result<Interrupt> open_uio(const UioDevice& device);
    // Each byte in the FIFO is one: for a simulator's.
    static Result<Interrupt> open_fifo(const std::string& path);
    // VFIO signals one; whoever else has it can as well.
    static Result<Interrupt> adopt_eventfd(base::UniqueFd eventfd, std::string name, Arm arm = {});
    // UIO's counter as its descriptor gives it, with the number that has been seen already. It does not block.
    static Interrupt adopt_uio(base::UniqueFd node, std::uint32_t seen, std::string name, Arm arm = {});

    int fd() const noexcept { return fd_.get(); }
    const std::string& name() const noexcept { return name_; }
    // How many came since the last time.
    Result<std::uint64_t> take();
    // Lets the next one through. To be called once the device has been told that this one was seen, or a device that
    // still asks is heard again at once. Does nothing for devices that need none.
    Result<> arm();

  private:
    enum class Kind : unsigned char { uio, fifo, eventfd };

    Interrupt(Kind kind, base::UniqueFd fd, std::string name, Arm arm)
        : kind_(kind), fd_(std::move(fd)), name_(std::move(name)), arm_(std::move(arm)) {}

    Result<std::uint64_t> take_uio();
    Result<std::uint64_t> take_fifo();
    Result<std::uint64_t> take_eventfd();

    Kind kind_;
    base::UniqueFd fd_;
    std::string name_;
    Arm arm_;
    std::uint32_t seen_ = 0; // UIO's counter, which begins again at zero
};

} // namespace vb::hardware
