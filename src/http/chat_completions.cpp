#include "http/chat_completions.h"

#include <ctime>
#include <format>
#include <random>
#include <utility>

namespace vb::http {

struct ChatCompletions::Completion {
    Exchange& exchange;
    AnswerTimer timer;
    ReplyHead head;
    ChatStream stream;
    bool streaming;
    bool started = false; // the stream's
    Backend::Ticket ticket = 0;
    std::string text = {}; // of an answer that is not streamed
};

// Lives on the engine's thread, and may outlive the completion it speaks of.
class ChatCompletions::Forwarder final : public engine::Receiver {
  public:
    Forwarder(ChatCompletions& completions, Mailbox& mailbox, Number number)
        : completions_(completions), mailbox_(mailbox), number_(number) {}

    void text(std::string_view piece) override {
        mailbox_.post([&completions = completions_, number = number_, piece = std::string(piece)] {
            completions.text(number, piece);
        });
    }
    void finished(const engine::Result<engine::Outcome>& outcome) override {
        mailbox_.post([&completions = completions_, number = number_, outcome] {
            completions.finished(number, outcome);
        });
    }

  private:
    ChatCompletions& completions_;
    Mailbox& mailbox_;
    const Number number_;
};

namespace {

std::string new_id() {
    std::random_device random;
    return std::format("chatcmpl-{:08x}{:08x}{:08x}", random(), random(), random());
}

} // namespace

ChatCompletions::ChatCompletions(Backend& backend, Mailbox& mailbox, trace::Timeline& timeline,
                                 Metrics& metrics, std::size_t most)
    : backend_(backend), mailbox_(mailbox), timeline_(timeline), metrics_(metrics), most_(most) {}

ChatCompletions::~ChatCompletions() = default;

void ChatCompletions::start(Exchange& exchange) {
    auto request = parse_chat_request(exchange.body());
    if (!request) { return reply_error(exchange, request.error()); }
    if (running_.size() >= most_) {
        return reply_error(exchange, unavailable(std::format("{} requests are waiting already", most_)));
    }
    const Number number = ++last_;
    ReplyHead head{
        .id = new_id(), .created = std::time(nullptr), .model = std::string(backend_.model_name())};
    auto [place, added] =
        running_.try_emplace(number, Completion{.exchange = exchange,
                                                .timer = AnswerTimer(metrics_, exchange.begun()),
                                                .head = head,
                                                .stream = ChatStream(head, request->include_usage),
                                                .streaming = request->stream});
    exchange.wait([this, number] {
        const auto gone = running_.extract(number);
        backend_.cancel(gone.mapped().ticket);
    });
    place->second.ticket =
        backend_.submit(std::move(request->engine), std::make_unique<Forwarder>(*this, mailbox_, number));
}

void ChatCompletions::text(Number number, std::string_view piece) {
    const auto found = running_.find(number);
    if (found == running_.end()) { return; }
    Completion& completion = found->second;
    completion.timer.piece();
    if (!completion.streaming) {
        completion.text += piece;
        return;
    }
    std::string events;
    if (!std::exchange(completion.started, true)) {
        completion.exchange.add_header("Cache-Control", "no-cache");
        completion.exchange.start_stream("text/event-stream");
        events = completion.stream.role(); // not earlier: clients take the first event for the first token
    }
    events += completion.stream.content(piece);
    const bool taken = completion.exchange.send(events);
    mark_first_token();
    if (!taken) {
        backend_.cancel(completion.ticket);
        completion.exchange.drop();
        running_.erase(found);
    }
}

void ChatCompletions::finished(Number number, const engine::Result<engine::Outcome>& outcome) {
    const auto found = running_.extract(number);
    if (found.empty()) { return; }
    Completion& completion = found.mapped();
    if (!outcome) { return fail(completion, error_reply(outcome.error(), "messages")); }
    metrics_.tokens(outcome->usage);
    if (outcome->finish == engine::Finish::cancelled) {
        return fail(completion, unavailable("the request was cancelled"));
    }
    if (outcome->finish == engine::Finish::deadline) {
        return fail(completion, unavailable("the request's time was over"));
    }
    if (!completion.streaming) {
        const std::string body = completion_json(completion.head, completion.text, *outcome);
        completion.exchange.reply(200, "application/json", body);
        if (!completion.text.empty()) { mark_first_token(); }
        return;
    }
    std::string events;
    if (!completion.started) { // an empty answer
        completion.exchange.add_header("Cache-Control", "no-cache");
        completion.exchange.start_stream("text/event-stream");
        events = completion.stream.role();
    }
    events += completion.stream.end(*outcome);
    // What is left to send is bounded now; a client that does not take it meets the time limit.
    static_cast<void>(completion.exchange.send(events));
    completion.exchange.end_stream();
}

void ChatCompletions::fail(Completion& completion, const ErrorReply& error) {
    if (!completion.started) { return reply_error(completion.exchange, error); }
    static_cast<void>(completion.exchange.send(ChatStream::error(error)));
    completion.exchange.end_stream();
}

void ChatCompletions::refuse_all(const ErrorReply& error) {
    auto running = std::exchange(running_, {});
    for (auto& [number, completion] : running) {
        backend_.cancel(completion.ticket);
        fail(completion, error);
    }
}

void ChatCompletions::mark_first_token() {
    if (!std::exchange(first_token_marked_, true)) { timeline_.mark("first token"); }
}

} // namespace vb::http
