// Requests of /v1/completions, read. Text in, values out; no sockets, no engine calls.
#pragma once

#include "http/answer_request.h"

#include <expected>

namespace vb::http {

struct CompletionRequest : AnswerRequest {
    std::uint32_t answers = 1; // to each prompt; they follow each other
    bool echo = false;         // the prompt stands before its answer
};

// Unknown fields are ignored; a field of the wrong type or out of range is refused by name.
std::expected<CompletionRequest, ErrorReply> parse_completion_request(std::string_view body);

// A string, an array of strings, an array of token ids or an array of such arrays: 1 to `most` texts.
std::vector<engine::Prompt> read_prompts(const Fields& fields, std::string_view name, std::size_t most);

} // namespace vb::http
