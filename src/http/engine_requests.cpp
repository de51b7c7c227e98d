#include "http/engine_requests.h"

#include <optional>
#include <utility>

namespace vb::http {

struct EngineRequests::Held {
    std::optional<engine::Request> request;     // until it begins
    std::shared_ptr<engine::Receiver> receiver; // shared: a call may end with its removal
    std::optional<base::Nanoseconds> deadline;
    Queue::Place place = 0;
    Backend::Ticket ticket = 0;
};

// Lives on the engine's thread, and may outlive the request it speaks of.
class EngineRequests::Forwarder final : public engine::Receiver {
  public:
    Forwarder(EngineRequests& requests, Number number) : requests_(requests), number_(number) {}

    void text(std::string_view piece) override {
        hand_over([piece = std::string(piece)](engine::Receiver& receiver) { receiver.text(piece); });
    }
    void token(const engine::ChosenToken& token) override {
        hand_over([token](engine::Receiver& receiver) { receiver.token(token); });
    }
    void tool_call(const engine::ToolCall& call) override {
        hand_over([call](engine::Receiver& receiver) { receiver.tool_call(call); });
    }
    void finished(const engine::Result<engine::Outcome>& outcome) override {
        requests_.mailbox_.post(
            [&requests = requests_, number = number_, outcome] { requests.finished(number, outcome); });
    }

  private:
    template <class Call>
    void hand_over(Call call) {
        requests_.mailbox_.post([&requests = requests_, number = number_, call = std::move(call)] {
            if (const auto receiver = requests.receiver_of(number)) { call(*receiver); }
        });
    }

    EngineRequests& requests_;
    const Number number_;
};

EngineRequests::EngineRequests(Queue& queue, Backend& backend, Mailbox& mailbox, const Limits& limits)
    : queue_(queue), backend_(backend), mailbox_(mailbox), most_(limits.request_timeout) {}

EngineRequests::~EngineRequests() = default;

EngineRequests::Number EngineRequests::submit(std::string client, engine::Request request,
                                              std::unique_ptr<engine::Receiver> receiver) {
    const Number number = ++last_;
    if (most_.count() > 0) { request.deadline = base::monotonic_now() + most_; }
    const std::optional<base::Nanoseconds> deadline = request.deadline;
    held_.emplace(number,
                  Held{.request = std::move(request), .receiver = std::move(receiver), .deadline = deadline});
    const Queue::Place place =
        queue_.add({.client = std::move(client),
                    .deadline = deadline,
                    .begin = [this, number] { begin(number); },
                    .give_up = [this, number](std::string_view why) { give_up(number, why); }});
    held_.at(number).place = place;
    return number;
}

void EngineRequests::cancel(Number number) {
    const auto found = held_.find(number);
    if (found == held_.end()) { return; }
    if (found->second.ticket != 0) {
        found->second.receiver.reset();
        return backend_.cancel(found->second.ticket);
    }
    const Queue::Place place = found->second.place;
    held_.erase(found);
    queue_.leave(place);
}

void EngineRequests::begin(Number number) {
    Held& held = held_.at(number);
    engine::Request request = *std::exchange(held.request, std::nullopt);
    held.ticket = backend_.submit(std::move(request), std::make_unique<Forwarder>(*this, number));
}

void EngineRequests::give_up(Number number, std::string_view why) {
    const auto gone = held_.extract(number);
    if (gone.empty()) { return; }
    const Held& held = gone.mapped();
    if (held.ticket != 0) { backend_.cancel(held.ticket); }
    if (held.receiver == nullptr) { return; }
    if (held.deadline && *held.deadline <= base::monotonic_now()) {
        return held.receiver->finished(engine::Outcome{.finish = engine::Finish::deadline, .usage = {}});
    }
    held.receiver->finished(std::unexpected(engine::Error{engine::Fault::cancelled, std::string(why)}));
}

std::shared_ptr<engine::Receiver> EngineRequests::receiver_of(Number number) const {
    const auto found = held_.find(number);
    return found == held_.end() ? nullptr : found->second.receiver;
}

void EngineRequests::finished(Number number, const engine::Result<engine::Outcome>& outcome) {
    const auto gone = held_.extract(number);
    if (gone.empty()) { return; }
    queue_.leave(gone.mapped().place);
    if (gone.mapped().receiver) { gone.mapped().receiver->finished(outcome); }
}

} // namespace vb::http
