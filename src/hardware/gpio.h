// One GPIO line by the kernel's character device (its second interface): read, written, or watched for edges.
// The line is ours while the object lives; what it is afterwards the kernel's driver decides. Edges carry the kernel's
// time and number, so that one that was lost is known to be. It must never wait; for one thread at a time.
#pragma once

#include "base/clock.h"
#include "base/unique_fd.h"
#include "hardware/gpio_options.h"
#include "hardware/ioctl.h"
#include "hardware/sysfs.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vb::hardware {

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
    // Those that came since the last time, the oldest first. An error where none were asked for: there never will be any.
    Result<std::vector<GpioEdge>> take();

  private:
    GpioLine(std::string name, base::UniqueFd line, const GpioOptions& options, Ioctl& ioctl)
        : name_(std::move(name)), line_(std::move(line)), options_(options), ioctl_(&ioctl) {}

    std::string name_;
    base::UniqueFd line_;
    GpioOptions options_;
    Ioctl* ioctl_;
    std::uint32_t seen_ = 0; // the kernel's number of the last edge
};

// As hardware/specification.h has it: "gpio:gpiochip0:17?edges=both".
Result<GpioLine> open_gpio_line(std::string_view specification, const Roots& roots = {},
                                Ioctl& ioctl = native_ioctl());

} // namespace vb::hardware
