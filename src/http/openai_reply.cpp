#include "http/openai.h"

#include "http/json.h"

#include <array>

// Named, since glaze's reflection needs types with linkage. A field that OpenAI sends as null is an optional,
// and is written as null; one that it leaves out is a part of another struct.
namespace vb::http::wire {

using Null = std::optional<std::string_view>;

struct PromptDetails {
    std::uint32_t cached_tokens;
};
struct Usage {
    std::uint32_t prompt_tokens, completion_tokens, total_tokens;
    PromptDetails prompt_tokens_details;
};
struct Message {
    std::string_view role = "assistant";
    std::string_view content;
    Null refusal;
};
struct Choice {
    int index = 0;
    Message message;
    Null logprobs;
    std::string_view finish_reason;
};
struct Completion {
    std::string_view id;
    std::string_view object = "chat.completion";
    std::int64_t created;
    std::string_view model;
    std::array<Choice, 1> choices;
    Usage usage;
};

struct RoleDelta {
    std::string_view role = "assistant";
    std::string_view content;
};
struct ContentDelta {
    std::string_view content;
};
struct EmptyDelta {};
template <class Delta>
struct ChunkChoice {
    int index = 0;
    Delta delta;
    Null logprobs;
    Null finish_reason;
};
template <class Choices>
struct Chunk {
    std::string_view id;
    std::string_view object = "chat.completion.chunk";
    std::int64_t created;
    std::string_view model;
    Choices choices;
};
// With stream_options.include_usage each chunk has the field, null in all but the last.
template <class Choices>
struct CountedChunk {
    std::string_view id;
    std::string_view object = "chat.completion.chunk";
    std::int64_t created;
    std::string_view model;
    Choices choices;
    std::optional<Usage> usage;
};

struct Status {
    std::string_view status;
};
struct Model {
    std::string_view id;
    std::string_view object = "model";
    std::int64_t created;
    std::string_view owned_by = "vector_boot";
};
struct ModelList {
    std::string_view object = "list";
    std::array<Model, 1> data;
};

} // namespace vb::http::wire

namespace vb::http {

namespace {

template <class Document>
std::string event(const Document& document) {
    return "data: " + json(document) + "\n\n";
}

std::string_view reason(engine::Finish finish) {
    switch (finish) {
    case engine::Finish::length:
        return "length";
    case engine::Finish::stop:
    case engine::Finish::cancelled:
    case engine::Finish::deadline:
        break;
    }
    return "stop";
}

wire::Usage usage_of(const engine::Outcome& outcome) {
    const engine::Usage& usage = outcome.usage;
    return {.prompt_tokens = usage.prompt_tokens,
            .completion_tokens = usage.completion_tokens,
            .total_tokens = usage.prompt_tokens + usage.completion_tokens,
            .prompt_tokens_details = {.cached_tokens = usage.cached_tokens}};
}

template <class Delta>
std::string chunk(const ReplyHead& head, bool counted, Delta delta, wire::Null finish = std::nullopt) {
    using Choices = std::array<wire::ChunkChoice<Delta>, 1>;
    const Choices choices{{{.delta = delta, .logprobs = {}, .finish_reason = finish}}};
    if (counted) {
        return event(wire::CountedChunk<Choices>{
            .id = head.id, .created = head.created, .model = head.model, .choices = choices, .usage = {}});
    }
    return event(wire::Chunk<Choices>{
        .id = head.id, .created = head.created, .model = head.model, .choices = choices});
}

} // namespace

std::string completion_json(const ReplyHead& head, std::string_view text, const engine::Outcome& outcome) {
    const wire::Choice choice{
        .message = {.content = text, .refusal = {}}, .logprobs = {}, .finish_reason = reason(outcome.finish)};
    return json(wire::Completion{.id = head.id,
                                 .created = head.created,
                                 .model = head.model,
                                 .choices = {choice},
                                 .usage = usage_of(outcome)});
}

std::string status_json(std::string_view status) { return json(wire::Status{status}); }

std::string model_json(std::string_view id, std::int64_t created) {
    return json(wire::Model{.id = id, .created = created});
}

std::string model_list_json(std::string_view id, std::int64_t created) {
    return json(wire::ModelList{.data = {wire::Model{.id = id, .created = created}}});
}

std::string ChatStream::role() const { return chunk(head_, include_usage_, wire::RoleDelta{}); }

std::string ChatStream::content(std::string_view text) const {
    return chunk(head_, include_usage_, wire::ContentDelta{text});
}

std::string ChatStream::end(const engine::Outcome& outcome) const {
    std::string text = chunk(head_, include_usage_, wire::EmptyDelta{}, reason(outcome.finish));
    if (include_usage_) {
        using NoChoices = std::array<wire::ChunkChoice<wire::EmptyDelta>, 0>;
        text += event(wire::CountedChunk<NoChoices>{.id = head_.id,
                                                    .created = head_.created,
                                                    .model = head_.model,
                                                    .choices = {},
                                                    .usage = usage_of(outcome)});
    }
    return text += "data: [DONE]\n\n";
}

std::string ChatStream::error(const ErrorReply& error) { return "data: " + error_json(error) + "\n\n"; }

} // namespace vb::http
