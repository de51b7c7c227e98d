// The devices that rules watch and write to, each opened once for all of them, by its name in the configuration.
// Belongs to the event loop's thread.
#pragma once

#include "hardware/device.h"
#include "hardware/gpio.h"
#include "hardware/input.h"
#include "rules/feed.h"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace vb::rules {

inline hardware::Width width_of(config::RegisterType type) noexcept {
    return static_cast<hardware::Width>(config::size_of(type));
}

// One that is open, with what is mapped of it. Who watches it keeps it.
class OpenDevice {
  public:
    using Registers = std::unique_ptr<hardware::Device>;
    using Opened = std::variant<Registers, hardware::GpioLine, hardware::InputDevice>;

    OpenDevice(std::string name, Opened opened) : name_(std::move(name)), opened_(std::move(opened)) {}

    // What it says of itself: interrupts of one with registers, the edges of a line, keys. Watched from the first call on.
    base::Result<Feed*> feed(http::EventLoop& loop);
    base::Result<hardware::Region*> region(unsigned index);
    base::Result<Number> read(unsigned region, std::uint64_t offset, config::RegisterType type,
                              std::uint64_t mask);
    base::Result<> write(const config::RuleWrite& write, std::uint64_t value);
    // As far as the kernel says so by itself: that a line or an input device is gone, its next use says.
    bool is_present() const;
    bool has_registers() const noexcept { return std::holds_alternative<Registers>(opened_); }

  private:
    base::Result<hardware::Device*> registers();
    base::Result<std::unique_ptr<Feed>> new_feed(http::EventLoop& loop);

    std::string name_;
    Opened opened_;
    std::unique_ptr<Feed> feed_; // null: nobody has asked for it
    std::map<unsigned, hardware::Region> regions_;
};

class Devices {
  public:
    using Specifications = std::map<std::string, std::string, std::less<>>; // by name

    // `written`: those that rules write to, which decides what a GPIO line is.
    Devices(Specifications specifications, std::set<std::string> written)
        : specifications_(std::move(specifications)), written_(std::move(written)) {}

    // Opens it where it is not.
    base::Result<std::shared_ptr<OpenDevice>> open(const std::string& name);
    bool is_open(const std::string& name) const { return open_.contains(name); }
    // Those that were opened and are not there any more.
    std::vector<std::string> gone() const;
    // To be opened anew the next time; VFIO allows for that once nobody keeps it any more.
    void forget(const std::string& name) { open_.erase(name); }

  private:
    base::Result<OpenDevice::Opened> open_as(const std::string& name, const std::string& specification) const;

    Specifications specifications_;
    std::set<std::string> written_;
    std::map<std::string, std::shared_ptr<OpenDevice>> open_;
};

} // namespace vb::rules
