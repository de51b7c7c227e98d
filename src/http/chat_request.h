// Requests of /v1/chat/completions, read. Text in, values out; no sockets, no engine calls.
#pragma once

#include "http/answer_request.h"

#include <expected>
#include <string>

namespace vb::http {

struct ChatRequest : AnswerRequest {
    bool logprobs = false;
};

// Unknown fields are ignored; a field of the wrong type or out of range is refused by name.
std::expected<ChatRequest, ErrorReply> parse_chat_request(std::string_view body);

// A tool_choice: "auto", "none", "required" or {"type": "function", ...} with the name of one tool in `named`.
// `names`: of the tools that there are.
void read_tool_choice(const Fields& fields, const Fields& named, const std::vector<std::string>& names,
                      engine::Messages& messages);

} // namespace vb::http
