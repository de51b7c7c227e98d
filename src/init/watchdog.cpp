#include "init/watchdog.h"

#include <algorithm>

namespace vb::init {

namespace {

// For a device that does not say what its timeout is.
constexpr base::Nanoseconds presumed_timeout = std::chrono::seconds(6);

auto seconds(base::Nanoseconds time) noexcept {
    return std::chrono::duration_cast<std::chrono::seconds>(time).count();
}

} // namespace

void Watchdog::open() noexcept {
    auto device = kernel_.open_watchdog(options_.device);
    if (!device) {
        log_.info("no hardware watchdog: ", base::describe(device.error()));
        return;
    }
    device_ = std::move(device->fd);
    const base::Nanoseconds timeout = set_timeout(options_.timeout, device->timeout);
    interval_ = timeout / 3;
    next_ = kernel_.now() + interval_;
    log_.info("the hardware watchdog (", device->identity.view(), ") resets the machine after ",
              seconds(timeout), " s");
}

base::Nanoseconds Watchdog::set_timeout(base::Nanoseconds wanted, base::Nanoseconds current) noexcept {
    const auto set = kernel_.set_watchdog_timeout(device_.get(), wanted);
    if (set && *set > base::Nanoseconds{}) { return *set; }
    log_.debug("the hardware watchdog's timeout is fixed");
    return current > base::Nanoseconds{} ? current : presumed_timeout;
}

bool Watchdog::feed() noexcept {
    const auto fed = kernel_.feed_watchdog(device_.get());
    if (!fed && !feeding_fails_) { log_.error(base::describe(fed.error())); }
    feeding_fails_ = !fed;
    return fed.has_value();
}

void Watchdog::check_deadline(base::Nanoseconds now, bool alive) noexcept {
    if (!next_ || now < *next_) { return; }
    next_ = now + interval_;
    if (!alive) {
        if (!is_hungry_) { log_.error("the hardware watchdog is not fed: what it stands for is not alive"); }
        is_hungry_ = true;
        return;
    }
    is_hungry_ = false;
    feed();
}

void Watchdog::prepare_reboot() noexcept {
    if (!device_) { return; }
    next_.reset();
    set_timeout(options_.reboot_timeout, {});
    feed();
}

void Watchdog::disarm() noexcept {
    if (!device_) { return; }
    next_.reset();
    const auto stopped = kernel_.stop_watchdog(device_.get());
    if (stopped) {
        device_.reset();
        return;
    }
    log_.notice("the hardware watchdog cannot be stopped and will reset the machine: ",
                base::describe(stopped.error()));
}

void Heartbeat::begin(base::Nanoseconds now) noexcept {
    if (is_running_) { return; }
    is_running_ = true;
    beat(now);
}

void Heartbeat::beat(base::Nanoseconds now) noexcept {
    // Too late is too late: the child has been killed already.
    if (!is_running_ || is_overdue_ || interval_ <= base::Nanoseconds{}) { return; }
    deadline_ = now + interval_;
}

void Heartbeat::set_interval(base::Nanoseconds interval, base::Nanoseconds now) noexcept {
    interval_ = interval;
    if (interval_ <= base::Nanoseconds{}) { deadline_.reset(); }
    beat(now);
}

void Heartbeat::trigger(base::Nanoseconds now) noexcept {
    if (!is_overdue_) { deadline_ = now; }
}

void Heartbeat::end() noexcept {
    interval_ = configured_;
    deadline_.reset();
    is_running_ = is_overdue_ = false;
}

bool Heartbeat::check_deadline(base::Nanoseconds now) noexcept {
    if (!deadline_ || now < *deadline_) { return false; }
    deadline_.reset();
    is_overdue_ = true;
    return true;
}

} // namespace vb::init
