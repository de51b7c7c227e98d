#include "http/access_log.h"

#include "http/json.h"

#include <algorithm>
#include <format>
#include <optional>

// Named, since glaze's reflection needs types with linkage.
namespace vb::http::wire {

struct AccessLine {
    std::string time;
    std::string request_id;
    std::string client;
    std::string method;
    std::string path;
    int status;
    std::uint64_t bytes;
    double milliseconds;
    bool complete;
    std::optional<std::uint64_t> prompt_tokens, completion_tokens;
    std::optional<std::string> user_agent;
};

} // namespace vb::http::wire

namespace vb::http {

namespace {

// ASCII without control characters, and so much of it that the whole line fits into one of the log's.
std::string bounded(std::string_view text, std::size_t most) {
    std::string plain(text.substr(0, most));
    std::ranges::replace_if(plain, [](char letter) { return letter < ' ' || letter > '~'; }, '?');
    return plain;
}

} // namespace

std::string access_line(const Exchange& exchange, base::Nanoseconds monotonic_now,
                        std::chrono::system_clock::time_point now) {
    constexpr std::size_t most_of_path = 200, most_of_agent = 100, most_of_name = 48, most_of_method = 16;
    const std::string& target = exchange.target();
    const auto agent = exchange.header("User-Agent");
    const auto& tokens = exchange.tokens();
    const auto micros =
        std::chrono::duration_cast<std::chrono::microseconds>(monotonic_now - exchange.begun()).count();
    return json(
        wire::AccessLine{.time = std::format("{:%FT%TZ}", std::chrono::floor<std::chrono::milliseconds>(now)),
                         .request_id = exchange.request_id(),
                         .client = bounded(exchange.client(), most_of_name),
                         .method = bounded(exchange.method_name(), most_of_method),
                         .path = bounded(std::string_view(target).substr(0, target.find('?')),
                                         most_of_path), // a query may hold a secret
                         .status = exchange.status(),
                         .bytes = exchange.bytes_sent(),
                         .milliseconds = static_cast<double>(micros) / 1000,
                         .complete = exchange.has_ended(),
                         .prompt_tokens = tokens ? std::optional(tokens->prompt) : std::nullopt,
                         .completion_tokens = tokens ? std::optional(tokens->completion) : std::nullopt,
                         .user_agent = agent ? std::optional(bounded(*agent, most_of_agent)) : std::nullopt});
}

} // namespace vb::http
