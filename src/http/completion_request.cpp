#include "http/completion_request.h"

#include <array>
#include <format>

namespace vb::http {

namespace {

constexpr std::uint32_t usual_length = 16; // OpenAI's
constexpr std::size_t most_prompts = 64;
constexpr std::array<std::string_view, 1> unknown_ways{"suffix"};

template <class Value>
void add_prompts(const Fields& fields, std::string_view name, std::string_view expected,
                 std::vector<engine::Prompt>& prompts) {
    std::vector<Value> read;
    fields.read(name, read, expected);
    for (Value& one : read) {
        prompts.emplace_back(std::move(one));
    }
}

void read_alternatives(const Fields& fields, engine::Request& engine) {
    std::uint32_t alternatives = 0;
    if (fields.read("logprobs", alternatives, 0U, most_alternatives)) { engine.alternatives = alternatives; }
}

} // namespace

std::vector<engine::Prompt> read_prompts(const Fields& fields, std::string_view name, std::size_t most) {
    const std::string expected = std::format(
        "a string, an array of strings, an array of token ids or an array of such arrays: 1 to {} texts",
        most);
    std::vector<engine::Prompt> prompts;
    const std::string_view raw = fields.raw(name);
    const std::string_view first = raw.starts_with('[') ? base::trimmed(raw.substr(1)) : raw;
    if (first.starts_with('"')) {
        add_prompts<std::string>(fields, name, expected, prompts);
    } else if (raw.starts_with('[') && first.starts_with('[')) {
        add_prompts<engine::Tokens>(fields, name, expected, prompts);
    } else if (engine::Tokens tokens;
               raw.starts_with('[') && fields.read(name, tokens, expected) && !tokens.empty()) {
        prompts.emplace_back(std::move(tokens));
    }
    if (prompts.empty() || prompts.size() > most) { fields.refuse(name, expected); }
    return prompts;
}

std::expected<CompletionRequest, ErrorReply> parse_completion_request(std::string_view body) {
    Fault fault;
    const Fields fields = Fields::of_body(body, fault);
    CompletionRequest request;
    request.prompt_field = "prompt";
    request.schema_field = "json_schema";
    engine::Request engine{.prompt = {}, .max_tokens = usual_length};
    std::string model; // there is one model: the name is checked, not used
    std::vector<engine::Prompt> prompts = read_prompts(fields, "prompt", most_prompts);
    fields.read("model", model);
    fields.read("n", request.answers, 1U, most_answers);
    std::uint32_t computed = request.answers;
    if (fields.read("best_of", computed, 1U, most_answers) && computed != request.answers) {
        fields.refuse("best_of", "as many as 'n'");
    }
    fields.read("max_tokens", engine.max_tokens, 1U, static_cast<std::uint32_t>(most_whole));
    read_sampling(fields, engine.sampling);
    read_stop(fields, engine.stop);
    read_streaming(fields, request);
    read_alternatives(fields, engine);
    read_grammar(fields, engine.sampling);
    fields.read("echo", request.echo);
    if (request.echo && engine.alternatives) {
        fields.refuse("echo", "left out with 'logprobs': those of prompts are not computed");
    }
    refuse_named(fields, unknown_ways, "this server does not fill in the middle");
    if (prompts.size() * request.answers > most_prompts) {
        fields.refuse("n", std::format("less: prompts times answers are {} at most", most_prompts));
    }
    if (fault) { return std::unexpected(*fault); }
    for (engine::Prompt& prompt : prompts) {
        engine.prompt = std::move(prompt);
        std::vector<engine::Request> one = repeated(engine, request.answers);
        std::ranges::move(one, std::back_inserter(request.engine));
    }
    return request;
}

} // namespace vb::http
