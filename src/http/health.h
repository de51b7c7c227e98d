// Whether the model answers, by proof: a batch that was computed in time, or one token asked for and got. For
// GET /health, and for the watchdog of the supervisor. Asks nothing while nobody wants to know. Belongs to the event
// loop's thread.
#pragma once

#include "base/clock.h"
#include "http/backend.h"
#include "http/event_loop.h"
#include "http/exchange.h"
#include "http/mailbox.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace vb::http {

class Health {
  public:
    struct Limits {
        // Older proof does not count: of an engine that is computing, and of one that is not.
        base::Nanoseconds busy = std::chrono::seconds(10);
        base::Nanoseconds idle = std::chrono::seconds(1);
        base::Nanoseconds probe = std::chrono::seconds(10); // for a token that was asked for
    };

    // The arguments outlive it.
    Health(EventLoop& loop, Mailbox& mailbox, Backend& backend, const Limits& limits);
    Health(EventLoop& loop, Mailbox& mailbox, Backend& backend) : Health(loop, mailbox, backend, Limits()) {}

    // Replies to GET /health, at once or when there is proof, or none in time.
    void answer(Exchange& exchange);
    // Calls back, maybe at once, when the engine has computed something later than `since`; never if it does not.
    void when_proven(base::Nanoseconds since, std::function<void()> proven);

    // A token was asked for and did not come in time.
    bool is_stuck() const;

  private:
    class Probe;
    struct Waiter {
        base::Nanoseconds since;
        std::function<void()> proven;
        std::function<void()> refuted; // may be empty
    };
    using Number = std::uint64_t;

    base::Nanoseconds last_proof() const;
    Number wait(Waiter waiter);
    void begin_probe();
    void probed(const engine::Result<engine::Outcome>& outcome);
    // Lets all who wait know whether there is proof by now.
    void settle();
    void reply_stuck(Exchange& exchange) const;

    Mailbox& mailbox_;
    Backend& backend_;
    const Limits limits_;
    std::map<Number, Waiter> waiters_;
    Number last_ = 0;
    std::optional<base::Nanoseconds> asked_; // when the token was, that has not come yet
    base::Nanoseconds answered_{};           // when the last one came
    std::string fault_;                      // what came instead; empty: a token
    Timer overdue_;
};

} // namespace vb::http
