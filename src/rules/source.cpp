#include "rules/source.h"

#include "hardware/polled.h"

namespace vb::rules {

namespace {

using Made = base::Result<std::unique_ptr<Source>>;

// A register, whose condition becomes true; without one, each change.
class ChangeSource final : public Source {
  public:
    static Made create(http::EventLoop& loop, const config::Rule& rule, std::shared_ptr<OpenDevice> device,
                       Listener& listener) {
        const auto region = device->region(rule.region);
        if (!region) { return std::unexpected(region.error()); }
        auto polled = hardware::Polled::open(**region, {.width = width_of(rule.type),
                                                        .offset = *rule.offset,
                                                        .mask = rule.mask,
                                                        .period = std::chrono::milliseconds(rule.period)});
        if (!polled) { return std::unexpected(polled.error()); }
        return std::make_unique<ChangeSource>(loop, rule, std::move(device), *std::move(polled), listener);
    }
    ChangeSource(http::EventLoop& loop, const config::Rule& rule, std::shared_ptr<OpenDevice> device,
                 hardware::Polled polled, Listener& listener)
        : rule_(rule), device_(std::move(device)), listener_(listener), polled_(std::move(polled)),
          watch_(loop, polled_.fd(), [this] { look(); }) {
        // What is so from the beginning has become so before.
        if (has_condition(rule_)) { compare(number(polled_.value()), number(polled_.value())); }
    }

  private:
    Number number(std::uint64_t bits) const noexcept { return Number::of_register(bits, rule_.type); }

    void look() {
        const auto change = polled_.due();
        if (!change) { return listener_.failed(change.error(), false); }
        if (*change) { compare(number((*change)->before), number((*change)->now)); }
    }
    void compare(Number before, Number now) {
        const bool did_hold = std::exchange(does_hold_, holds(rule_, now));
        const bool is_known = did_hold && has_condition(rule_);
        if (does_hold_ && !is_known) { listener_.occurred({.value = now, .before = before}); }
    }

    const config::Rule& rule_;
    std::shared_ptr<OpenDevice> device_; // whose region is read
    Listener& listener_;
    hardware::Polled polled_;
    bool does_hold_ = false;
    http::ReadWatch watch_;
};

// Reads the rule's register, where it has one, and remembers what it was.
class RegisterReader {
  public:
    RegisterReader(const config::Rule& rule, std::shared_ptr<OpenDevice> device)
        : rule_(rule), device_(std::move(device)) {}

    base::Result<> read(Event& event) {
        if (!rule_.offset) { return {}; }
        const auto value = device_->read(rule_.region, *rule_.offset, rule_.type, rule_.mask);
        if (!value) { return std::unexpected(value.error()); }
        event.before = std::exchange(last_, *value);
        event.value = *value;
        return {};
    }

  private:
    const config::Rule& rule_;
    std::shared_ptr<OpenDevice> device_;
    Number last_;
};

// An interrupt, an edge, a key: what the device says by itself.
class FeedSource final : public Source, public Feed::Subscriber {
  public:
    static Made create(http::EventLoop& loop, const config::Rule& rule, std::shared_ptr<OpenDevice> device,
                       Listener& listener) {
        const bool is_interrupt = rule.event == config::RuleEvent::interrupt;
        if (is_interrupt != device->has_registers()) {
            return base::failure(
                "watch the device", rule.device,
                "a device with registers interrupts, a GPIO line has edges, an input device input");
        }
        const auto feed = device->feed(loop);
        if (!feed) { return std::unexpected(feed.error()); }
        return std::make_unique<FeedSource>(rule, std::move(device), **feed, listener);
    }
    FeedSource(const config::Rule& rule, std::shared_ptr<OpenDevice> device, Feed& feed, Listener& listener)
        : rule_(rule), device_(device), reader_(rule, std::move(device)), listener_(listener), feed_(feed) {
        feed_.add(*this);
    }
    ~FeedSource() override { feed_.remove(*this); }
    FeedSource(const FeedSource&) = delete;
    FeedSource& operator=(const FeedSource&) = delete;

    void heard(const Event& event) override {
        if (rule_.code && *rule_.code != event.code) { return; }
        Event seen = event;
        if (const auto read = read_and_acknowledge(seen); !read) {
            return listener_.failed(read.error(), true);
        }
        if (holds(rule_, seen.value)) { listener_.occurred(seen); }
    }
    void broke(const base::Error& error) override { listener_.failed(error, true); }

  private:
    // Most devices take the bits of their status register, written back, as having been seen.
    base::Result<> read_and_acknowledge(Event& event) {
        if (auto read = reader_.read(event); !read || !rule_.acknowledge) { return read; }
        return device_->write({.device = {},
                               .region = rule_.region,
                               .offset = rule_.acknowledge,
                               .type = rule_.type,
                               .values = {}},
                              event.value.bits());
    }

    const config::Rule& rule_;
    std::shared_ptr<OpenDevice> device_; // whose feed it is
    RegisterReader reader_;
    Listener& listener_;
    Feed& feed_;
};

class TimerSource final : public Source {
  public:
    static Made create(http::EventLoop& loop, const config::Rule& rule, std::shared_ptr<OpenDevice> device,
                       Listener& listener) {
        const std::chrono::milliseconds period(rule.period);
        hardware::Clock& clock = hardware::monotonic_clock();
        auto timer = clock.open_timer(clock.now() + period, period);
        if (!timer) { return std::unexpected(timer.error()); }
        return std::make_unique<TimerSource>(loop, rule, std::move(device), *std::move(timer), listener);
    }
    TimerSource(http::EventLoop& loop, const config::Rule& rule, std::shared_ptr<OpenDevice> device,
                base::UniqueFd timer, Listener& listener)
        : rule_(rule), reader_(rule, std::move(device)), listener_(listener), timer_(std::move(timer)),
          watch_(loop, timer_.get(), [this] { look(); }) {}

  private:
    void look() {
        Event event{.value = {}, .before = {}, .count = hardware::monotonic_clock().take(timer_.get())};
        if (const auto read = reader_.read(event); !read) {
            if (!std::exchange(is_failing_, true)) { listener_.failed(read.error(), false); }
            return;
        }
        is_failing_ = false;
        if (holds(rule_, event.value)) { listener_.occurred(event); }
    }

    const config::Rule& rule_;
    RegisterReader reader_;
    Listener& listener_;
    base::UniqueFd timer_;
    bool is_failing_ = false;
    http::ReadWatch watch_;
};

// The device itself, which comes and goes: who opens it knows.
class PresenceSource final : public Source {};

} // namespace

Made watch(http::EventLoop& loop, const config::Rule& rule, std::shared_ptr<OpenDevice> device,
           Listener& listener) {
    using enum config::RuleEvent;
    switch (rule.event) {
    case change:
        return ChangeSource::create(loop, rule, std::move(device), listener);
    case interrupt:
    case edge:
    case input:
        return FeedSource::create(loop, rule, std::move(device), listener);
    case timer:
        return TimerSource::create(loop, rule, std::move(device), listener);
    case attached:
    case detached:
        return std::make_unique<PresenceSource>();
    }
    return nullptr;
}

} // namespace vb::rules
