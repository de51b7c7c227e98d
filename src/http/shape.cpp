#include "http/shape.h"

#include <algorithm>
#include <ctime>
#include <format>
#include <iterator>
#include <random>

namespace vb::http {

const std::string_view system_fingerprint = "vector_boot-" VB_VERSION;

std::string new_id(std::string_view prefix) {
    std::random_device random;
    return std::format("{}{:08x}{:08x}{:08x}", prefix, random(), random(), random());
}

ReplyHead new_head(std::string_view prefix, std::string_view model) {
    return {.id = new_id(prefix), .created = std::time(nullptr), .model = std::string(model)};
}

std::string WholeShape::text(std::size_t answer, std::string_view piece) {
    Answer& one = answers_[answer];
    one.text += piece;
    std::ranges::move(one.pending.take(), std::back_inserter(one.tokens));
    return {};
}

void WholeShape::token(std::size_t answer, const engine::ChosenToken& token) {
    answers_[answer].pending.add(token);
}

std::string WholeShape::tool_call(std::size_t answer, const engine::ToolCall& call) {
    answers_[answer].pending.take();
    answers_[answer].calls.push_back(call);
    return {};
}

std::string WholeShape::finished(std::size_t answer, const engine::Outcome& outcome) {
    Answer& one = answers_[answer];
    std::ranges::move(one.pending.take_last(outcome.finish), std::back_inserter(one.tokens));
    one.outcome = outcome;
    return {};
}

std::string_view finish_reason(engine::Finish finish, bool has_calls) {
    switch (finish) {
    case engine::Finish::length:
    case engine::Finish::deadline: // cut off as well, by time
        return "length";
    case engine::Finish::stop:
    case engine::Finish::cancelled:
        break;
    }
    return has_calls ? "tool_calls" : "stop";
}

void add_usage(engine::Usage& sum, const engine::Usage& one, std::size_t answer, std::size_t answers) {
    if (answer % answers == 0) {
        sum.prompt_tokens += one.prompt_tokens;
        sum.cached_tokens += one.cached_tokens;
    }
    sum.completion_tokens += one.completion_tokens;
}

} // namespace vb::http
