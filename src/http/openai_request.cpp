#include "http/openai.h"

#include <algorithm>
#include <cmath>
#include <format>
#include <glaze/json/read.hpp>
#include <limits>
#include <vector>

// Named, since glaze's reflection needs types with linkage.
namespace vb::http::wire {

// The fields are kept as they came and are read one by one, so that a fault can be told by the field's name.
struct ChatFields {
    glz::raw_json_view messages, model, max_tokens, max_completion_tokens, temperature, top_p, top_k, min_p,
        seed, stop, stream, stream_options, n;
};
struct StreamOptionFields {
    glz::raw_json_view include_usage;
};

} // namespace vb::http::wire

namespace vb::http {

namespace {

// Values that are skipped or kept raw are checked as well: they are handed on, and glaze's depth limit holds.
struct ReadOptions : glz::opts {
    bool validate_skipped = true;
    bool validate_trailing_whitespace = true;
};
constexpr ReadOptions lenient{{.error_on_unknown_keys = false}};
// The raw values lie inside of the body.
constexpr ReadOptions field_options{{.null_terminated = false, .error_on_unknown_keys = false}};

constexpr std::size_t most_stop_sequences = 16;

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view white = " \t\r\n";
    const std::size_t first = text.find_first_not_of(white);
    if (first == std::string_view::npos) { return {}; }
    return text.substr(first, text.find_last_not_of(white) - first + 1);
}

ErrorReply malformed(const std::string& body, const glz::error_ctx& fault) {
    const std::string_view before = std::string_view(body).substr(0, fault.count);
    const auto line = std::ranges::count(before, '\n') + 1;
    const std::size_t column = before.size() - (before.rfind('\n') + 1) + 1;
    return invalid_request(std::format("the body is not valid JSON: {} at line {}, column {}",
                                       glz::format_error(fault.ec), line, column));
}

class Reader {
  public:
    // Reads `raw` if it is there and not null; remembers the first fault. `expected` completes "must be ...".
    template <class Value>
    bool read(std::string_view name, glz::raw_json_view raw, Value& value, std::string_view expected) {
        if (raw.str.empty() || raw.str == "null" || fault_) { return false; }
        Value read{};
        if (glz::read<field_options>(read, raw.str)) {
            refuse(name, expected);
            return false;
        }
        value = std::move(read);
        return true;
    }
    template <class Number>
    bool read(std::string_view name, glz::raw_json_view raw, Number& value, Number least, Number most,
              std::string_view expected) {
        Number number{};
        if (!read(name, raw, number, expected)) { return false; }
        if (!(number >= least && number <= most)) { // false for a NaN as well
            refuse(name, expected);
            return false;
        }
        value = number;
        return true;
    }
    void refuse(std::string_view name, std::string_view expected) {
        fault_ = invalid_request(std::format("'{}' must be {}", name, expected), std::string(name));
    }
    const std::optional<ErrorReply>& fault() const noexcept { return fault_; }

  private:
    std::optional<ErrorReply> fault_;
};

void read_lengths(Reader& reader, const wire::ChatFields& fields, std::uint32_t& most) {
    constexpr std::int64_t least = 1;
    constexpr std::int64_t limit = std::numeric_limits<std::int32_t>::max();
    constexpr std::string_view expected = "an integer from 1 to 2147483647";
    std::int64_t tokens = 0;
    // max_tokens is the older name: the newer one wins.
    reader.read("max_tokens", fields.max_tokens, tokens, least, limit, expected);
    reader.read("max_completion_tokens", fields.max_completion_tokens, tokens, least, limit, expected);
    most = static_cast<std::uint32_t>(tokens);
}

void read_sampling(Reader& reader, const wire::ChatFields& fields, engine::Sampling& sampling) {
    constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
    reader.read("temperature", fields.temperature, sampling.temperature, 0.0F, 2.0F, "a number from 0 to 2");
    reader.read("top_p", fields.top_p, sampling.top_p, 0.0F, 1.0F, "a number from 0 to 1");
    reader.read("min_p", fields.min_p, sampling.min_p, 0.0F, 1.0F, "a number from 0 to 1");
    std::int64_t number = 0;
    if (reader.read<std::int64_t>("top_k", fields.top_k, number, 0, most,
                                  "an integer from 0 to 2147483647")) {
        sampling.top_k = static_cast<std::uint32_t>(number);
    }
    // The engine takes 32 bits of a seed; -1 becomes its "a new one each time", as other servers have it.
    if (reader.read("seed", fields.seed, number, "an integer")) {
        sampling.seed = static_cast<std::uint32_t>(static_cast<std::uint64_t>(number) & 0xFFFFFFFFU);
    }
}

void read_stop(Reader& reader, glz::raw_json_view raw, std::vector<std::string>& stop) {
    constexpr std::string_view expected = "a string or an array of up to 16 strings, none of them empty";
    if (raw.str.starts_with('"')) {
        std::string one;
        if (reader.read("stop", raw, one, expected)) { stop.push_back(std::move(one)); }
    } else {
        reader.read("stop", raw, stop, expected);
    }
    const bool empty = std::ranges::any_of(stop, [](const std::string& text) { return text.empty(); });
    if (stop.size() > most_stop_sequences || empty) { reader.refuse("stop", expected); }
}

void read_messages(Reader& reader, glz::raw_json_view raw, std::string& messages) {
    const bool array = raw.str.starts_with('[');
    if (!array || trimmed(raw.str.substr(1)) == "]") {
        reader.refuse("messages", "an array with at least one message");
        return;
    }
    messages = raw.str;
}

void read_streaming(Reader& reader, const wire::ChatFields& fields, ChatRequest& request) {
    reader.read("stream", fields.stream, request.stream, "true or false");
    wire::StreamOptionFields options;
    reader.read("stream_options", fields.stream_options, options, "an object");
    reader.read("stream_options.include_usage", options.include_usage, request.include_usage,
                "true or false");
}

} // namespace

std::expected<ChatRequest, ErrorReply> parse_chat_request(const std::string& body) {
    if (!trimmed(body).starts_with('{')) {
        return std::unexpected(invalid_request("the body must be a JSON object"));
    }
    wire::ChatFields fields;
    if (const glz::error_ctx fault = glz::read<lenient>(fields, body)) {
        return std::unexpected(malformed(body, fault));
    }
    Reader reader;
    ChatRequest request;
    std::string model; // there is one model: the name is checked, not used
    std::int64_t answers = 1;
    engine::Messages messages;
    read_messages(reader, fields.messages, messages.json);
    request.engine.prompt = std::move(messages);
    reader.read("model", fields.model, model, "a string");
    reader.read<std::int64_t>("n", fields.n, answers, 1, 1, "1: one answer to a request");
    read_lengths(reader, fields, request.engine.max_tokens);
    read_sampling(reader, fields, request.engine.sampling);
    read_stop(reader, fields.stop, request.engine.stop);
    read_streaming(reader, fields, request);
    if (reader.fault()) { return std::unexpected(*reader.fault()); }
    return request;
}

} // namespace vb::http
