#include "hardware/polled.h"

#include <sys/timerfd.h>
#include <unistd.h>

namespace vb::hardware {

namespace {

timespec to_timespec(Nanoseconds time) noexcept {
    constexpr std::int64_t second = 1'000'000'000;
    timespec converted{};
    converted.tv_sec = time.count() / second;
    converted.tv_nsec = time.count() % second;
    return converted;
}

class MonotonicClock final : public Clock {
  public:
    Nanoseconds now() noexcept override { return base::monotonic_now(); }

    Result<base::UniqueFd> open_timer(Nanoseconds first, Nanoseconds period) noexcept override {
        base::UniqueFd timer(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
        const itimerspec times{.it_interval = to_timespec(period), .it_value = to_timespec(first)};
        if (!timer || ::timerfd_settime(timer.get(), TFD_TIMER_ABSTIME, &times, nullptr) != 0) {
            return base::system_error("start the timer", "");
        }
        return timer;
    }

    std::uint64_t take(int timer) noexcept override {
        std::uint64_t count = 0;
        return ::read(timer, &count, sizeof count) == sizeof count ? count : 0;
    }
};

} // namespace

Clock& monotonic_clock() noexcept {
    static constinit MonotonicClock clock;
    return clock;
}

Result<Polled> Polled::open(const Region& region, const Options& options, Clock& clock) noexcept {
    if (options.period < shortest_period) {
        return base::failure("poll", region.name(), "the period is below 100 microseconds");
    }
    const auto value = region.read(options.width, options.offset);
    if (!value) { return std::unexpected(value.error()); }
    Polled polled(region, options, clock);
    polled.value_ = *value & options.mask;
    const Nanoseconds first = (clock.now() / options.period + 1) * options.period;
    auto timer = clock.open_timer(first, options.period);
    if (!timer) { return std::unexpected(timer.error()); }
    polled.timer_ = std::move(*timer);
    return polled;
}

Result<std::optional<Polled::Change>> Polled::due() noexcept {
    const std::uint64_t times = clock_->take(timer_.get());
    if (times == 0) { return std::nullopt; }
    missed_ += times - 1;
    const auto value = region_->read(options_.width, options_.offset);
    if (!value) {
        if (std::exchange(is_failing_, true)) { return std::nullopt; }
        return std::unexpected(value.error());
    }
    const bool is_back = std::exchange(is_failing_, false);
    const Change change{.before = value_, .now = *value & options_.mask, .at = clock_->now()};
    value_ = change.now;
    if (change.now == change.before && !is_back) { return std::nullopt; }
    return change;
}

} // namespace vb::hardware
