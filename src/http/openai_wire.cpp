#include "http/openai_wire.h"

#include <algorithm>
#include <cmath>

namespace vb::http {

namespace {

constexpr float never = -9999;

// Bytes of the UTF-8 character that `text` begins with; 0: it does not begin with a whole one.
std::size_t character_size(std::string_view text) {
    const auto byte = [text](std::size_t index) { return static_cast<unsigned char>(text[index]); };
    const unsigned char first = byte(0);
    if (first < 0x80) { return 1; }
    const std::size_t size = first >= 0xF5   ? 0
                             : first >= 0xF0 ? 4
                             : first >= 0xE0 ? 3
                             : first >= 0xC2 ? 2
                                             : 0;
    if (size == 0 || text.size() < size) { return 0; }
    for (std::size_t index = 1; index < size; ++index) {
        if ((byte(index) & 0xC0) != 0x80) { return 0; }
    }
    const bool overlong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xF0 && byte(1) < 0x90);
    const bool outside = (first == 0xED && byte(1) >= 0xA0) || (first == 0xF4 && byte(1) >= 0x90);
    return overlong || outside ? 0 : size;
}

std::vector<std::uint8_t> bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

} // namespace

float finite(float logprob) { return std::isfinite(logprob) ? std::max(logprob, never) : never; }

std::string valid_text(std::string_view bytes) {
    std::string text;
    while (!bytes.empty()) {
        const std::size_t size = character_size(bytes);
        text += size == 0 ? std::string_view("\uFFFD") : bytes.substr(0, size);
        bytes.remove_prefix(std::max<std::size_t>(size, 1));
    }
    return text;
}

wire::Usage usage_of(const engine::Usage& usage) {
    return {.prompt_tokens = usage.prompt_tokens,
            .completion_tokens = usage.completion_tokens,
            .total_tokens = usage.prompt_tokens + usage.completion_tokens,
            .prompt_tokens_details = {.cached_tokens = usage.cached_tokens}};
}

std::vector<wire::TokenLogprob> logprobs_of(const std::vector<engine::ChosenToken>& tokens) {
    std::vector<wire::TokenLogprob> all;
    all.reserve(tokens.size());
    for (const auto& [chosen, alternatives] : tokens) {
        wire::TokenLogprob& one = all.emplace_back(wire::TokenLogprob{.token = valid_text(chosen.bytes),
                                                                      .logprob = finite(chosen.logprob),
                                                                      .bytes = bytes_of(chosen.bytes),
                                                                      .top_logprobs = {}});
        for (const engine::TokenProbability& other : alternatives) {
            one.top_logprobs.push_back({.token = valid_text(other.bytes),
                                        .logprob = finite(other.logprob),
                                        .bytes = bytes_of(other.bytes)});
        }
    }
    return all;
}

} // namespace vb::http
