#include "rules/feed.h"

namespace vb::rules {

void Feed::look() {
    if (is_broken_) { return; }
    const auto passed = pass_on();
    if (passed) { return; }
    is_broken_ = true;
    for (Subscriber* const subscriber : subscribers_) {
        subscriber->broke(passed.error());
    }
}

base::Result<> Feed::pass_on() {
    const auto events = take_();
    if (!events) { return std::unexpected(events.error()); }
    for (const Event& event : *events) {
        for (Subscriber* const subscriber : subscribers_) {
            subscriber->heard(event);
        }
    }
    return events->empty() ? base::Result<>() : rearm_();
}

} // namespace vb::rules
