// The objects of /v1/responses, as they are written. Include it in .cpp files only: json.h is slow to compile.
#pragma once

#include "http/openai_wire.h"

#include <variant>

namespace vb::http::wire {

struct OutputText {
    std::string_view type = "output_text";
    std::string text;
    std::array<std::string_view, 0> annotations;
    std::vector<TokenLogprob> logprobs;
};
struct OutputMessage {
    std::string id;
    std::string_view type = "message";
    std::string_view status;
    std::string_view role = "assistant";
    std::vector<OutputText> content;
};
struct OutputCall {
    std::string id;
    std::string_view type = "function_call";
    std::string_view status;
    std::string call_id, name, arguments;
};
using OutputItem = std::variant<OutputMessage, OutputCall>;

struct ResponseFault {
    std::string_view code, message;
};
struct Incomplete {
    std::string_view reason = "max_output_tokens";
};
struct InputDetails {
    std::uint32_t cached_tokens;
    std::uint32_t cache_write_tokens = 0;
};
struct OutputDetails {
    std::uint32_t reasoning_tokens = 0;
};
struct ResponseUsage {
    std::uint32_t input_tokens;
    InputDetails input_tokens_details;
    std::uint32_t output_tokens;
    OutputDetails output_tokens_details;
    std::uint32_t total_tokens;
};
struct Response {
    std::string_view id;
    std::string_view object = "response";
    std::int64_t created_at;
    std::string_view status;
    std::optional<std::int64_t> completed_at;
    std::optional<ResponseFault> error;
    std::optional<Incomplete> incomplete_details;
    std::optional<std::string> instructions;
    std::optional<std::uint32_t> max_output_tokens;
    std::string_view model;
    std::vector<OutputItem> output;
    bool parallel_tool_calls;
    Null previous_response_id;
    glz::raw_json_view reasoning, metadata, text, tools, tool_choice;
    bool store = false;
    bool background = false;
    float temperature, top_p;
    std::string_view truncation;
    std::optional<ResponseUsage> usage;
    Null user;
};

// The events of a stream, each with its number.
struct ResponseEvent {
    std::string_view type;
    std::uint64_t sequence_number;
    Response response;
};
struct ItemEvent {
    std::string_view type;
    std::uint64_t sequence_number;
    std::size_t output_index;
    OutputItem item;
};
struct PartEvent {
    std::string_view type;
    std::uint64_t sequence_number;
    std::string_view item_id;
    std::size_t output_index, content_index;
    OutputText part;
};
struct TextDeltaEvent {
    std::string_view type = "response.output_text.delta";
    std::uint64_t sequence_number;
    std::string_view item_id;
    std::size_t output_index, content_index;
    std::string_view delta;
    std::vector<TokenLogprob> logprobs;
};
struct TextDoneEvent {
    std::string_view type = "response.output_text.done";
    std::uint64_t sequence_number;
    std::string_view item_id;
    std::size_t output_index, content_index;
    std::string_view text;
    std::vector<TokenLogprob> logprobs;
};
struct ArgumentsDeltaEvent {
    std::string_view type = "response.function_call_arguments.delta";
    std::uint64_t sequence_number;
    std::string_view item_id;
    std::size_t output_index;
    std::string_view delta;
};
struct ArgumentsDoneEvent {
    std::string_view type = "response.function_call_arguments.done";
    std::uint64_t sequence_number;
    std::string_view item_id;
    std::size_t output_index;
    std::string_view name, arguments;
};

} // namespace vb::http::wire
