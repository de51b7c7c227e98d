#include "http/health.h"

#include "http/status.h"

#include <algorithm>
#include <utility>

namespace vb::http {

namespace {

void reply_unhealthy(Exchange& exchange, const HealthReport& report) {
    exchange.add_header("Retry-After", "1");
    exchange.reply(503, json_type, health_json(report));
}

} // namespace

// Lives on the engine's thread.
class Health::Probe final : public engine::Receiver {
  public:
    Probe(Health& health, Mailbox& mailbox) : health_(health), mailbox_(mailbox) {}

    void text(std::string_view) override {}
    void finished(const engine::Result<engine::Outcome>& outcome) override {
        mailbox_.post([&health = health_, outcome] { health.probed(outcome); });
    }

  private:
    Health& health_;
    Mailbox& mailbox_;
};

Health::Health(EventLoop& loop, Mailbox& mailbox, Backend& backend, const Limits& limits)
    : mailbox_(mailbox), backend_(backend), limits_(limits), overdue_(loop, [this] { settle(); }) {}

void Health::answer(Exchange& exchange) {
    switch (backend_.state()) {
    case engine::State::loading:
        return reply_unhealthy(exchange, {.status = "loading", .progress = backend_.progress()});
    case engine::State::failed:
        return reply_unhealthy(exchange, {.status = "failed"});
    case engine::State::ready:
        break;
    }
    const auto reply_ok = [&exchange] { exchange.reply(200, json_type, health_json({.status = "ok"})); };
    const bool is_busy = backend_.counters().running > 0;
    // Not before the clock began: 0 is when nothing has been computed yet.
    const base::Nanoseconds since =
        std::max(base::Nanoseconds{}, base::monotonic_now() - (is_busy ? limits_.busy : limits_.idle));
    if (last_proof() > since) { return reply_ok(); }
    if (is_stuck()) { return reply_stuck(exchange); }
    const Number number =
        wait({.since = since, .proven = reply_ok, .refuted = [this, &exchange] { reply_stuck(exchange); }});
    exchange.wait([this, number] { waiters_.erase(number); });
}

void Health::when_proven(base::Nanoseconds since, std::function<void()> proven) {
    if (last_proof() > since) { return proven(); }
    wait({.since = since, .proven = std::move(proven), .refuted = {}});
}

bool Health::is_stuck() const {
    return asked_ && std::max(*asked_, last_proof()) + limits_.probe <= base::monotonic_now();
}

base::Nanoseconds Health::last_proof() const { return std::max(answered_, backend_.counters().last_step); }

Health::Number Health::wait(Waiter waiter) {
    if (waiters_.empty()) { overdue_.start(limits_.probe); }
    waiters_.emplace(++last_, std::move(waiter));
    if (!asked_) { begin_probe(); }
    return last_;
}

void Health::begin_probe() {
    asked_ = base::monotonic_now();
    engine::Request request{.prompt = engine::Tokens{0}, .max_tokens = 1, .is_probe = true};
    request.sampling.temperature = 0;
    backend_.submit(std::move(request), std::make_unique<Probe>(*this, mailbox_));
}

void Health::probed(const engine::Result<engine::Outcome>& outcome) {
    asked_.reset();
    fault_ = outcome ? std::string() : outcome.error().message;
    if (outcome) { answered_ = base::monotonic_now(); }
    settle();
}

void Health::settle() {
    const base::Nanoseconds proof = last_proof();
    while (!waiters_.empty()) {
        const Waiter waiter = std::move(waiters_.extract(waiters_.begin()).mapped());
        if (proof > waiter.since) {
            waiter.proven();
        } else if (waiter.refuted) {
            waiter.refuted();
        }
    }
}

void Health::reply_stuck(Exchange& exchange) const {
    HealthReport report{.status = "stuck"};
    if (!fault_.empty()) {
        report.reason = fault_;
    } else if (asked_) {
        report.reason = "a token that was asked for has not come";
        report.seconds = std::chrono::duration<double>(base::monotonic_now() - *asked_).count();
    }
    reply_unhealthy(exchange, report);
}

} // namespace vb::http
