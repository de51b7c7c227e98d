// Requests of /v1/responses, read: what is asked becomes a conversation as in /v1/chat/completions. Text in, values out; no
// sockets, no engine calls.
#pragma once

#include "http/answer_request.h"

#include <expected>
#include <optional>
#include <string>

namespace vb::http {

// What the reply repeats of the request. The texts are JSON as they came; empty: they did not.
struct RepeatedFields {
    std::optional<std::string> instructions;
    std::string metadata, tools, tool_choice, text, reasoning;
    std::optional<std::uint32_t> max_output_tokens;
    std::string truncation = "disabled";
    bool parallel_tool_calls = true;
    float temperature = 0;
    float top_p = 0;
};

struct ResponseRequest : AnswerRequest {
    RepeatedFields repeated;
};

// Unknown fields are ignored; a field of the wrong type or out of range is refused by name.
std::expected<ResponseRequest, ErrorReply> parse_response_request(std::string_view body);

// The messages that `instructions` and `input` stand for, as a JSON array.
std::string messages_of_input(const Fields& fields, const std::optional<std::string>& instructions);
// A flat array of function tools in the shape of chat completions. Adds their names.
std::string tools_for_chat(const Fields& fields, std::vector<std::string>& names);

} // namespace vb::http
