#include "http/chat_shape.h"

#include "http/openai_wire.h"

namespace vb::http::wire {

struct ChatFunction {
    std::string_view name, arguments;
};
struct ChatToolCall {
    std::string id;
    std::string_view type = "function";
    ChatFunction function;
};
struct ChatMessage {
    static constexpr std::array<std::string_view, 1> left_out{"tool_calls"};
    std::string_view role = "assistant";
    Null content;
    Null refusal;
    std::optional<std::vector<ChatToolCall>> tool_calls;
};
struct Logprobs {
    std::vector<TokenLogprob> content;
    Null refusal;
};
struct ChatChoice {
    std::size_t index;
    ChatMessage message;
    std::optional<Logprobs> logprobs;
    std::string_view finish_reason;
};
struct ChatCompletion {
    std::string_view id;
    std::string_view object = "chat.completion";
    std::int64_t created;
    std::string_view model;
    std::vector<ChatChoice> choices;
    Usage usage;
    std::string_view system_fingerprint;
};

struct RoleDelta {
    std::string_view role = "assistant";
    Null content;
};
struct ContentDelta {
    std::string_view content;
};
// The first of a call says what is called, the second with what.
struct FunctionDelta {
    static constexpr std::array<std::string_view, 1> left_out{"name"};
    Null name;
    std::string_view arguments;
};
struct CallDelta {
    static constexpr std::array<std::string_view, 2> left_out{"id", "type"};
    std::uint32_t index;
    std::optional<std::string> id;
    Null type;
    FunctionDelta function;
};
struct CallsDelta {
    std::array<CallDelta, 1> tool_calls;
};
struct EmptyDelta {};
template <class Delta>
struct ChunkChoice {
    std::size_t index;
    Delta delta;
    std::optional<Logprobs> logprobs;
    Null finish_reason;
};
template <class Choices>
struct ChatChunk {
    std::string_view id;
    std::string_view object = "chat.completion.chunk";
    std::int64_t created;
    std::string_view model;
    std::string_view system_fingerprint;
    Choices choices;
};
// With stream_options.include_usage each chunk has the field, null in all but the last.
template <class Choices>
struct CountedChatChunk {
    std::string_view id;
    std::string_view object = "chat.completion.chunk";
    std::int64_t created;
    std::string_view model;
    std::string_view system_fingerprint;
    Choices choices;
    std::optional<Usage> usage;
};

} // namespace vb::http::wire

namespace vb::http {

namespace {

std::optional<wire::Logprobs> logprobs(const std::vector<engine::ChosenToken>& tokens) {
    return wire::Logprobs{.content = logprobs_of(tokens), .refusal = {}};
}

class WholeChat final : public WholeShape {
  public:
    WholeChat(ReplyHead head, const ChatRequest& request)
        : WholeShape(request.engine.size()), head_(std::move(head)), logprobs_(request.logprobs) {}

    std::string end() override {
        engine::Usage usage;
        std::vector<wire::ChatChoice> choices;
        for (std::size_t index = 0; index < answers().size(); ++index) {
            choices.push_back(choice(index, answers()[index]));
            add_usage(usage, answers()[index].outcome.usage, index, answers().size());
        }
        return json(wire::ChatCompletion{.id = head_.id,
                                         .created = head_.created,
                                         .model = head_.model,
                                         .choices = std::move(choices),
                                         .usage = usage_of(usage),
                                         .system_fingerprint = system_fingerprint});
    }

  private:
    wire::ChatChoice choice(std::size_t index, const Answer& answer) const {
        const bool has_calls = !answer.calls.empty();
        wire::ChatMessage message{.content = answer.text, .refusal = {}, .tool_calls = {}};
        if (has_calls) {
            message.tool_calls.emplace();
            if (answer.text.empty()) { message.content.reset(); }
        }
        for (const engine::ToolCall& call : answer.calls) {
            message.tool_calls->push_back(
                {.id = new_id("call_"), .function = {.name = call.name, .arguments = call.arguments}});
        }
        return {.index = index,
                .message = std::move(message),
                .logprobs = logprobs_ ? logprobs(answer.tokens) : std::nullopt,
                .finish_reason = finish_reason(answer.outcome.finish, has_calls)};
    }

    const ReplyHead head_;
    const bool logprobs_;
};

class StreamedChat final : public Shape {
  public:
    StreamedChat(ReplyHead head, const ChatRequest& request)
        : head_(std::move(head)), logprobs_(request.logprobs), counted_(request.include_usage),
          states_(request.engine.size()) {}

    std::string text(std::size_t answer, std::string_view piece) override {
        State& state = states_[answer];
        const auto tokens = state.pending.take();
        return role(answer, "") +
               chunk(answer, wire::ContentDelta{piece}, {}, logprobs_ ? logprobs(tokens) : std::nullopt);
    }
    void token(std::size_t answer, const engine::ChosenToken& token) override {
        states_[answer].pending.add(token);
    }
    std::string tool_call(std::size_t answer, const engine::ToolCall& call) override {
        State& state = states_[answer];
        state.pending.take();
        state.has_calls = true;
        const auto part = [&](std::optional<std::string> id, wire::Null type, wire::FunctionDelta function) {
            return chunk(
                answer,
                wire::CallsDelta{
                    {{{.index = call.index, .id = std::move(id), .type = type, .function = function}}}});
        };
        return role(answer, std::nullopt) +
               part(new_id("call_"), "function", {.name = call.name, .arguments = ""}) +
               part({}, {}, {.name = {}, .arguments = call.arguments});
    }
    std::string finished(std::size_t answer, const engine::Outcome& outcome) override {
        State& state = states_[answer];
        add_usage(usage_, outcome.usage, answer, states_.size());
        std::string events = role(answer, "");
        const auto tokens = state.pending.take_last(outcome.finish);
        return events += chunk(answer, wire::EmptyDelta{}, finish_reason(outcome.finish, state.has_calls),
                               logprobs_ && !tokens.empty() ? logprobs(tokens) : std::nullopt);
    }
    std::string end() override {
        std::string events;
        if (counted_) {
            using NoChoices = std::array<wire::ChunkChoice<wire::EmptyDelta>, 0>;
            events =
                server_sent_event(wire::CountedChatChunk<NoChoices>{.id = head_.id,
                                                                    .created = head_.created,
                                                                    .model = head_.model,
                                                                    .system_fingerprint = system_fingerprint,
                                                                    .choices = {},
                                                                    .usage = usage_of(usage_)});
        }
        return events += "data: [DONE]\n\n";
    }
    std::string fail(const ErrorReply& error) override { return "data: " + error_json(error) + "\n\n"; }

  private:
    struct State {
        bool has_role = false;
        bool has_calls = false;
        PendingTokens pending;
    };

    // Of an answer that begins. Not earlier: clients take the first event for the first token.
    std::string role(std::size_t answer, wire::Null content) {
        if (std::exchange(states_[answer].has_role, true)) { return {}; }
        return chunk(answer, wire::RoleDelta{.content = content});
    }
    template <class Delta>
    std::string chunk(std::size_t answer, Delta delta, wire::Null finish = {},
                      const std::optional<wire::Logprobs>& logprobs = {}) const {
        using Choices = std::array<wire::ChunkChoice<Delta>, 1>;
        Choices choices{
            {{.index = answer, .delta = std::move(delta), .logprobs = logprobs, .finish_reason = finish}}};
        if (counted_) {
            return server_sent_event(wire::CountedChatChunk<Choices>{.id = head_.id,
                                                                     .created = head_.created,
                                                                     .model = head_.model,
                                                                     .system_fingerprint = system_fingerprint,
                                                                     .choices = std::move(choices),
                                                                     .usage = {}});
        }
        return server_sent_event(wire::ChatChunk<Choices>{.id = head_.id,
                                                          .created = head_.created,
                                                          .model = head_.model,
                                                          .system_fingerprint = system_fingerprint,
                                                          .choices = std::move(choices)});
    }

    const ReplyHead head_;
    const bool logprobs_;
    const bool counted_;
    std::vector<State> states_;
    engine::Usage usage_;
};

} // namespace

std::unique_ptr<Shape> new_chat_shape(const ChatRequest& request, std::string_view model) {
    ReplyHead head = new_head("chatcmpl-", model);
    if (request.stream) { return std::make_unique<StreamedChat>(std::move(head), request); }
    return std::make_unique<WholeChat>(std::move(head), request);
}

} // namespace vb::http
