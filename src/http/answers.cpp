#include "http/answers.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace vb::http {

struct Answers::Running {
    Exchange& exchange;
    std::unique_ptr<Shape> shape;
    std::string_view prompt_field, schema_field;
    bool is_stream;
    std::size_t open;        // answers that have not finished
    bool has_begun = false;  // the stream
    bool has_output = false; // anything was computed
    Exchange::Tokens tokens{};
    std::vector<EngineRequests::Number> requests{};
};

// One answer of several to an exchange.
class Answers::Part final : public engine::Receiver {
  public:
    Part(Answers& answers, Key key, std::size_t answer, base::Nanoseconds began)
        : answers_(answers), key_(key), answer_(answer), timer_(answers.metrics_, began) {}

    void text(std::string_view piece) override {
        timer_.piece();
        answers_.take(key_, [&](Shape& shape) { return shape.text(answer_, piece); });
    }
    void token(const engine::ChosenToken& token) override {
        answers_.take(key_, [&](Shape& shape) {
            shape.token(answer_, token);
            return std::string();
        });
    }
    void tool_call(const engine::ToolCall& call) override {
        timer_.piece();
        answers_.take(key_, [&](Shape& shape) { return shape.tool_call(answer_, call); });
    }
    void finished(const engine::Result<engine::Outcome>& outcome) override {
        answers_.finished(key_, answer_, outcome);
    }

  private:
    Answers& answers_;
    const Key key_;
    const std::size_t answer_;
    AnswerTimer timer_;
};

namespace {

ErrorReply timed_out() {
    return {.status = 504,
            .message = "the request's time was over before anything was computed",
            .type = "server_error",
            .param = {},
            .code = "timeout"};
}

// The engine's messages begin with what they are about, where that is not the prompt.
ErrorReply refusal(const engine::Error& error, std::string_view prompt_field, std::string_view schema_field) {
    const std::string_view about(error.message.data(),
                                 std::min(error.message.find(':'), error.message.size()));
    if (about == "schema") { return error_reply(error, schema_field); }
    return error_reply(error, about == "grammar" || about == "logit_bias" ? about : prompt_field);
}

} // namespace

bool refused_for_want_of_room(Exchange& exchange, Queue& queue, std::size_t count) {
    if (queue.make_room(exchange.client(), count)) { return false; }
    reply_error(exchange, too_many_requests("the queue is full"));
    return true;
}

Answers::Answers(EngineRequests& requests, Queue& queue, trace::Timeline& timeline, Metrics& metrics)
    : requests_(requests), queue_(queue), timeline_(timeline), metrics_(metrics) {}

Answers::~Answers() = default;

void Answers::start(Exchange& exchange, AnswerRequest request, std::unique_ptr<Shape> shape) {
    const std::size_t count = request.engine.size();
    if (refused_for_want_of_room(exchange, queue_, count)) { return; }
    const Key key = ++last_;
    Running& running = running_
                           .try_emplace(key, Running{.exchange = exchange,
                                                     .shape = std::move(shape),
                                                     .prompt_field = request.prompt_field,
                                                     .schema_field = request.schema_field,
                                                     .is_stream = request.stream,
                                                     .open = count})
                           .first->second;
    exchange.wait([this, key] { cancel(running_.extract(key).mapped()); });
    for (std::size_t answer = 0; answer < count; ++answer) {
        running.requests.push_back(
            requests_.submit(exchange.client(), std::move(request.engine[answer]),
                             std::make_unique<Part>(*this, key, answer, exchange.begun())));
    }
}

template <class Render>
void Answers::take(Key key, Render render) {
    const auto found = running_.find(key);
    if (found == running_.end()) { return; }
    Running& running = found->second;
    const std::string events = render(*running.shape);
    running.has_output = true;
    if (events.empty()) { return; }
    const bool taken = send(running, events);
    mark_first_token();
    if (!taken) { drop(key); }
}

bool Answers::send(Running& running, std::string_view events) {
    if (!std::exchange(running.has_begun, true)) {
        running.exchange.add_header("Cache-Control", "no-cache");
        running.exchange.start_stream("text/event-stream");
    }
    return running.exchange.send(events);
}

void Answers::finished(Key key, std::size_t answer, const engine::Result<engine::Outcome>& outcome) {
    const auto found = running_.find(key);
    if (found == running_.end()) { return; }
    Running& running = found->second;
    if (!outcome) { return fail(key, refusal(outcome.error(), running.prompt_field, running.schema_field)); }
    metrics_.tokens(outcome->usage);
    running.tokens.prompt += outcome->usage.prompt_tokens;
    running.tokens.completion += outcome->usage.completion_tokens;
    running.exchange.note(running.tokens);
    if (outcome->finish == engine::Finish::cancelled) {
        return fail(key, unavailable("the request was cancelled"));
    }
    // What there is by then is given as an answer that was cut off.
    if (outcome->finish == engine::Finish::deadline && !running.has_output) { return fail(key, timed_out()); }
    std::string events = running.shape->finished(answer, *outcome);
    if (--running.open == 0) {
        auto done = running_.extract(found);
        events += done.mapped().shape->end();
        return end(done.mapped(), events);
    }
    if (!events.empty() && !send(running, events)) { drop(key); }
}

void Answers::end(Running& running, std::string_view last) {
    if (!running.is_stream) {
        running.exchange.reply(200, json_type, last);
        if (running.has_output) { mark_first_token(); }
        return;
    }
    // What is left to send is bounded now; a client that does not take it meets the time limit.
    static_cast<void>(send(running, last));
    running.exchange.end_stream();
}

void Answers::fail(Key key, const ErrorReply& error) {
    auto failed = running_.extract(key);
    Running& running = failed.mapped();
    cancel(running);
    if (!running.has_begun) { return reply_error(running.exchange, error); }
    static_cast<void>(send(running, running.shape->fail(error)));
    running.exchange.end_stream();
}

void Answers::drop(Key key) {
    const auto dropped = running_.extract(key);
    cancel(dropped.mapped());
    dropped.mapped().exchange.drop();
}

void Answers::cancel(const Running& running) {
    for (const EngineRequests::Number number : running.requests) {
        requests_.cancel(number);
    }
}

void Answers::refuse_all(const ErrorReply& error) {
    while (!running_.empty()) {
        fail(running_.begin()->first, error);
    }
}

void Answers::end_connections() {
    for (auto& [key, running] : running_) {
        if (!running.has_begun) { running.exchange.close_afterwards(); }
    }
}

void Answers::mark_first_token() {
    if (!std::exchange(first_token_marked_, true)) { timeline_.mark("first token"); }
}

} // namespace vb::http
