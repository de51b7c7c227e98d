// A register that has no interrupt and is asked with a period instead: by default the heartbeat, ten times a second.
// Changes are found here, so that whoever wants to know is woken by changes only.
// It must never wait or have a thread: the loop that watches its descriptor calls due() when that is readable. All that
// have one period are due at the same moments, so that a loop wakes once for all of them.
#pragma once

#include "base/clock.h"
#include "base/unique_fd.h"
#include "hardware/region.h"

#include <optional>

namespace vb::hardware {

using base::Nanoseconds;

// The time, and timers by it; a test has its own.
class Clock {
  public:
    virtual ~Clock() = default;

    virtual Nanoseconds now() noexcept = 0;
    // Readable at `first`, and again with each period from there on: it does not drift.
    virtual Result<base::UniqueFd> open_timer(Nanoseconds first, Nanoseconds period) noexcept = 0;
    // How often that was since the last time; makes it unreadable.
    virtual std::uint64_t take(int timer) noexcept = 0;
};

Clock& monotonic_clock() noexcept; // CLOCK_MONOTONIC and timerfd

inline constexpr Nanoseconds heartbeat = std::chrono::milliseconds(100);

class Polled {
  public:
    struct Options {
        Width width = Width::bits32;
        std::size_t offset = 0;
        std::uint64_t mask = ~std::uint64_t{0}; // the bits that matter
        Nanoseconds period = heartbeat;         // at least `shortest_period`
    };
    static constexpr Nanoseconds shortest_period = std::chrono::microseconds(100);

    struct Change {
        std::uint64_t before = 0; // both with the bits of the mask only
        std::uint64_t now = 0;
        Nanoseconds at{}; // when it was read
    };

    // Reads it once. Region and clock outlive it.
    static Result<Polled> open(const Region& region, const Options& options,
                               Clock& clock = monotonic_clock()) noexcept;

    int fd() const noexcept { return timer_.get(); }
    // As it was read last.
    std::uint64_t value() const noexcept { return value_; }
    // How many times were passed over because nobody called due().
    std::uint64_t missed() const noexcept { return missed_; }

    // Reads it if it is time to, and returns what has changed. A device that fails is an error once; when it can be read
    // again, that is a change, also to the value that it had.
    Result<std::optional<Change>> due() noexcept;

  private:
    Polled(const Region& region, const Options& options, Clock& clock) noexcept
        : region_(&region), options_(options), clock_(&clock) {}

    const Region* region_;
    Options options_;
    Clock* clock_;
    base::UniqueFd timer_;
    std::uint64_t value_ = 0;
    std::uint64_t missed_ = 0;
    bool is_failing_ = false;
};

} // namespace vb::hardware
