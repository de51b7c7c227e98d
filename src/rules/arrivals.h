// Says that a device may have come or gone: by the kernel's uevents, and for the plain files that stand for devices by
// inotify. What exactly has happened is for whoever looks. Belongs to the event loop's thread.
#pragma once

#include "base/log.h"
#include "hardware/uevents.h"
#include "http/event_loop.h"
#include "rules/devices.h"

#include <functional>
#include <optional>

namespace vb::rules {

class Arrivals {
  public:
    // What cannot be watched is a line of the log. `log` outlives it.
    Arrivals(http::EventLoop& loop, const base::Log& log, const Devices::Specifications& devices,
             std::function<void()> changed);

  private:
    void take_uevents();
    void take_files();
    void watch_files(const base::Log& log, const Devices::Specifications& devices);

    const std::function<void()> changed_;
    std::optional<hardware::Uevents> uevents_;
    base::UniqueFd files_; // inotify; -1: no device is a plain file
    std::optional<http::ReadWatch> uevents_watch_;
    std::optional<http::ReadWatch> files_watch_;
};

} // namespace vb::rules
