// The hardware watchdog: it resets the machine unless it is fed, and it is fed only from PID 1's loop, and only while
// what PID 1 answers for is alive. And the heartbeat of a child, which promises WATCHDOG=1 in time (sd_notify(3)).
// Both give their deadlines to the caller, so that the one timer is armed when there is something to do.
#pragma once

#include "base/log.h"
#include "sys/kernel.h"

#include <optional>

namespace vb::init {

class Watchdog {
  public:
    struct Options {
        const char* device = "/dev/watchdog0";
        base::Nanoseconds timeout = std::chrono::seconds(30);
        base::Nanoseconds reboot_timeout = std::chrono::seconds(60); // for reboot(2)
    };

    Watchdog(sys::Kernel& kernel, const base::Log& log, const Options& options) noexcept
        : kernel_(kernel), log_(log), options_(options) {}

    // From here on the machine is reset unless the deadlines are kept. A machine without one says so in one line,
    // and nothing more comes of it.
    void open() noexcept;
    // The same, but says nothing of a missing one, whose driver may still be to come.
    void open_if_there() noexcept;

    std::optional<base::Nanoseconds> deadline() const noexcept { return next_; }
    // Feeds it if it is time. With `alive` false it goes hungry, until it is true again or the machine is reset.
    void check_deadline(base::Nanoseconds now, bool alive) noexcept;

    // The last feeding: what is left to do has this long, or the machine is reset. Not closed, not fed again.
    void prepare_reboot() noexcept;
    // Stops it with the magic close; for a machine that stays halted or off.
    void disarm() noexcept;

    bool is_open() const noexcept { return static_cast<bool>(device_); }

  private:
    void take(sys::WatchdogDevice device) noexcept;
    base::Nanoseconds set_timeout(base::Nanoseconds wanted, base::Nanoseconds current) noexcept;
    bool feed() noexcept;

    sys::Kernel& kernel_;
    const base::Log& log_;
    Options options_;
    base::UniqueFd device_;
    base::Nanoseconds interval_{};
    std::optional<base::Nanoseconds> next_;
    bool is_hungry_ = false;
    bool feeding_fails_ = false;
};

class Heartbeat {
  public:
    // 0: the child promises nothing.
    explicit Heartbeat(base::Nanoseconds interval) noexcept : interval_(interval), configured_(interval) {}

    // The child is ready: from now on it owes us WATCHDOG=1.
    void begin(base::Nanoseconds now) noexcept;
    void beat(base::Nanoseconds now) noexcept;
    // WATCHDOG_USEC=: the child asks for another interval, until it ends.
    void set_interval(base::Nanoseconds interval, base::Nanoseconds now) noexcept;
    // WATCHDOG=trigger: the child says itself that it is stuck. Call check_deadline() after it.
    void trigger(base::Nanoseconds now) noexcept;
    // The child has ended.
    void end() noexcept;

    std::optional<base::Nanoseconds> deadline() const noexcept { return deadline_; }
    // True once for each child that is overdue: it is to be killed.
    bool check_deadline(base::Nanoseconds now) noexcept;
    // An overdue child is still there. This is when the hardware must not be fed: a child that cannot even be
    // killed is a machine that has to be reset.
    bool is_overdue() const noexcept { return is_overdue_; }

  private:
    base::Nanoseconds interval_;
    base::Nanoseconds configured_;
    std::optional<base::Nanoseconds> deadline_;
    bool is_running_ = false;
    bool is_overdue_ = false;
};

} // namespace vb::init
