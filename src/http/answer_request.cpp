#include "http/answer_request.h"

#include <algorithm>
#include <charconv>
#include <format>
#include <limits>
#include <map>
#include <string>

namespace vb::http {

namespace {

constexpr std::size_t most_stop_sequences = 16;
constexpr std::size_t most_biases = 4096;
constexpr std::uint32_t new_seed = 0xFFFFFFFF; // the engine's "a new one each time"

void read_seed(const Fields& fields, std::uint32_t& seed) {
    std::int64_t number = 0;
    constexpr auto bounds = std::numeric_limits<std::int64_t>();
    // The engine takes 32 bits of a seed; -1 becomes its "a new one each time", as other servers have it.
    if (fields.read("seed", number, bounds.min(), bounds.max())) {
        seed = static_cast<std::uint32_t>(static_cast<std::uint64_t>(number) & 0xFFFFFFFFU);
    }
}

void read_logit_bias(const Fields& fields, std::vector<engine::LogitBias>& biases) {
    constexpr std::string_view expected =
        "an object of up to 4096 token ids, each with a number from -100 to 100";
    std::map<std::string, float> read;
    if (!fields.read("logit_bias", read, expected)) { return; }
    if (read.size() > most_biases) { return fields.refuse("logit_bias", expected); }
    for (const auto& [id, bias] : read) {
        engine::Token token = 0;
        const char* const end = id.data() + id.size();
        const auto parsed = std::from_chars(id.data(), end, token);
        if (parsed.ec != std::errc() || parsed.ptr != end || token < 0 || !(bias >= -100 && bias <= 100)) {
            return fields.refuse("logit_bias", expected);
        }
        biases.push_back({.token = token, .bias = bias});
    }
}

bool is_object(std::string_view raw) { return raw.starts_with('{'); }

} // namespace

void read_sampling(const Fields& fields, engine::Sampling& sampling) {
    constexpr auto most = static_cast<std::uint32_t>(most_whole);
    fields.read("temperature", sampling.temperature, 0, 2);
    fields.read("top_p", sampling.top_p, 0, 1);
    fields.read("min_p", sampling.min_p, 0, 1);
    fields.read("top_k", sampling.top_k, 0, most);
    fields.read("presence_penalty", sampling.presence_penalty, -2, 2);
    fields.read("frequency_penalty", sampling.frequency_penalty, -2, 2);
    fields.read("repeat_penalty", sampling.repeat_penalty, 0.01F, 10);
    read_seed(fields, sampling.seed);
    read_logit_bias(fields, sampling.logit_bias);
}

void read_stop(const Fields& fields, std::vector<std::string>& stop) {
    constexpr std::string_view expected = "a string or an array of up to 16 strings, none of them empty";
    fields.read("stop", stop, expected);
    const bool empty = std::ranges::any_of(stop, &std::string::empty);
    if (stop.size() > most_stop_sequences || empty) { fields.refuse("stop", expected); }
}

void read_streaming(const Fields& fields, AnswerRequest& request) {
    fields.read("stream", request.stream);
    fields.object("stream_options").read("include_usage", request.include_usage);
}

void read_grammar(const Fields& fields, engine::Sampling& sampling) {
    fields.read("grammar", sampling.grammar);
    if (const std::string_view schema = fields.raw("json_schema"); !schema.empty()) {
        if (!is_object(schema)) { return fields.refuse("json_schema", "a JSON schema, which is an object"); }
        if (!sampling.schema.empty()) {
            return fields.refuse("json_schema", "left out where the response's format has a schema already");
        }
        sampling.schema = schema;
    }
    if (!sampling.grammar.empty() && !sampling.schema.empty()) {
        fields.refuse("grammar", "left out where there is a schema already");
    }
}

void read_format(const Fields& format, bool nested, engine::Sampling& sampling) {
    std::string type = "text";
    format.read("type", type);
    if (type == "text") { return; }
    if (type != "json_object" && type != "json_schema") {
        return format.refuse("type", "text, json_object or json_schema");
    }
    const Fields holder = nested && type == "json_schema" ? format.object("json_schema") : format;
    const std::string_view schema = holder.raw("schema");
    if (type == "json_schema" && schema.empty()) {
        // The path of a holder that is not there is not known to it.
        return format.refuse(nested ? "json_schema.schema" : "schema", "a JSON schema, which is an object");
    }
    if (!schema.empty() && !is_object(schema)) {
        return holder.refuse("schema", "a JSON schema, which is an object");
    }
    sampling.schema = schema.empty() ? R"({"type":"object"})" : schema;
}

void refuse_named(const Fields& fields, std::span<const std::string_view> names, std::string_view why) {
    for (const std::string_view name : names) {
        fields.refuse_if_there(name, std::format("left out: {}", why));
    }
}

std::vector<engine::Request> repeated(const engine::Request& request, std::uint32_t answers) {
    std::vector<engine::Request> requests(answers, request);
    const std::uint32_t seed = request.sampling.seed;
    if (seed == new_seed) { return requests; }
    for (std::uint32_t index = 0; index < answers; ++index) {
        requests[index].sampling.seed = static_cast<std::uint32_t>((std::uint64_t{seed} + index) % new_seed);
    }
    return requests;
}

} // namespace vb::http
