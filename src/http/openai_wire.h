// Parts that the replies of several APIs have in common, as they are written. Include it in .cpp files only: json.h is
// slow to compile.
#pragma once

#include "http/json.h"
#include "http/shape.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Named, since glaze's reflection needs types with linkage. A field that OpenAI sends as null is an optional.
namespace vb::http::wire {

using Null = std::optional<std::string_view>;

struct PromptDetails {
    std::uint32_t cached_tokens;
};
struct Usage {
    std::uint32_t prompt_tokens, completion_tokens, total_tokens;
    PromptDetails prompt_tokens_details;
};

struct Alternative {
    std::string token;
    float logprob;
    std::vector<std::uint8_t> bytes;
};
struct TokenLogprob {
    std::string token;
    float logprob;
    std::vector<std::uint8_t> bytes;
    std::vector<Alternative> top_logprobs;
};

} // namespace vb::http::wire

namespace vb::http {

wire::Usage usage_of(const engine::Usage& usage);
std::vector<wire::TokenLogprob> logprobs_of(const std::vector<engine::ChosenToken>& tokens);
// JSON has no infinity: OpenAI's number for what is never chosen.
float finite(float logprob);
// What is not whole characters becomes U+FFFD.
std::string valid_text(std::string_view bytes);

template <class Document>
std::string server_sent_event(const Document& document) {
    return "data: " + json(document) + "\n\n";
}

} // namespace vb::http
