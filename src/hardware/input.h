// Keys, buttons, switches and axes by the kernel's event devices. Where the kernel had to drop events, because nobody
// took them in time, what has changed meanwhile is asked for and reported as if it had come: no key stays pressed for
// ever. Touches of several fingers are reported as they come, and are not asked for again.
// It must never wait; for one thread at a time.
#pragma once

#include "base/clock.h"
#include "base/unique_fd.h"
#include "hardware/ioctl.h"
#include "hardware/sysfs.h"

#include <bitset>
#include <cstdint>
#include <linux/input.h>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace vb::hardware {

// The numbers are those of linux/input-event-codes.h.
struct InputEvent {
    std::uint16_t type = 0;
    std::uint16_t code = 0;
    std::int32_t value = 0;
    base::Nanoseconds time{}; // of CLOCK_MONOTONIC; 0 for what was asked for after a loss
};

class InputDevice {
  public:
    // "event3", or what the device calls itself.
    static Result<InputDevice> open(const std::string& name, const Roots& roots = {},
                                    Ioctl& ioctl = native_ioctl());

    const std::string& name() const noexcept { return name_; }
    int fd() const noexcept { return file_.get(); } // readable when there are events
    // Those that came since the last time, each group with its EV_SYN behind it.
    Result<std::vector<InputEvent>> take();

    bool is_pressed(std::uint16_t key) const noexcept { return key < keys_.size() && keys_[key]; }
    bool is_on(std::uint16_t switch_code) const noexcept {
        return switch_code < switches_.size() && switches_[switch_code];
    }
    // How often the kernel has dropped events.
    std::uint64_t losses() const noexcept { return losses_; }

  private:
    InputDevice(std::string name, base::UniqueFd file, Ioctl& ioctl)
        : name_(std::move(name)), file_(std::move(file)), ioctl_(&ioctl) {}

    Result<bool> read_some(std::vector<InputEvent>& events);
    void discard_waiting();
    Result<> ask(std::vector<InputEvent>& changes);
    Result<> ask_axes(std::vector<InputEvent>& changes);
    void remember(const InputEvent& event);

    std::string name_;
    base::UniqueFd file_;
    Ioctl* ioctl_;
    std::bitset<KEY_CNT> keys_;
    std::bitset<SW_CNT> switches_;
    std::map<std::uint16_t, std::int32_t> axes_; // those that the device has
    std::uint64_t losses_ = 0;
};

// As hardware/specification.h has it: "input:event3".
Result<InputDevice> open_input_device(std::string_view specification, const Roots& roots = {},
                                      Ioctl& ioctl = native_ioctl());

} // namespace vb::hardware
