// One GPIO line by the kernel's character device (its second interface): read, written, or watched for edges.
// The line is ours while the object lives; what it is afterwards the kernel's driver decides. Edges carry the kernel's
// time and number, so that one that was lost is known to be. It must never wait; for one thread at a time.
#pragma once

#include "base/clock.h"
#include "base/unique_fd.h"
#include "hardware/ioctl.h"
#include "hardware/sysfs.h"

#include <cstdint>
#include <string>
#include <vector>

namespace vb::hardware {

struct GpioName {
    std::string chip; // "gpiochip0", or what the chip is labelled; empty: whichever has a line of that name
    std::string line; // its number on the chip, or its name
};

struct GpioOptions {
    enum class Direction : unsigned char { input, output };
    enum class Edges : unsigned char { none, rising, falling, both };
    enum class Bias : unsigned char { unchanged, off, pull_up, pull_down };
    enum class Drive : unsigned char { push_pull, open_drain, open_source };

    Direction direction = Direction::input;
    bool is_active_low = false;
    Edges edges = Edges::none; // of an input
    Bias bias = Bias::unchanged;
    std::uint32_t debounce_microseconds = 0; // of an input
    Drive drive = Drive::push_pull;          // of an output, like the next
    bool value = false;                      // from the beginning
};

struct GpioEdge {
    bool is_rising = false;   // became active
    base::Nanoseconds time{}; // of CLOCK_MONOTONIC
    std::uint32_t lost = 0;   // edges before this one that nobody took in time
};

class GpioLine {
  public:
    static Result<GpioLine> open(const GpioName& name, const GpioOptions& options, const Roots& roots = {},
                                 Ioctl& ioctl = native_ioctl());

    const std::string& name() const noexcept { return name_; }
    // Readable when there are edges.
    int fd() const noexcept { return line_.get(); }

    Result<bool> read() const;
    Result<> write(bool is_active);
    // Those that came since the last time, the oldest first.
    Result<std::vector<GpioEdge>> take();

  private:
    GpioLine(std::string name, base::UniqueFd line, GpioOptions::Direction direction, Ioctl& ioctl)
        : name_(std::move(name)), line_(std::move(line)), direction_(direction), ioctl_(&ioctl) {}

    std::string name_;
    base::UniqueFd line_;
    GpioOptions::Direction direction_;
    Ioctl* ioctl_;
    std::uint32_t seen_ = 0; // the kernel's number of the last edge
};

} // namespace vb::hardware
