#include "http/response_request.h"

#include "http/chat_request.h"

#include <algorithm>
#include <array>
#include <format>

namespace vb::http {

namespace {

constexpr std::array<std::string_view, 2> kept_state{"previous_response_id", "conversation"};
constexpr std::array<std::string_view, 1> templates{"prompt"};

void read_logprobs(const Fields& fields, engine::Request& engine) {
    std::vector<std::string> include;
    fields.read("include", include, "an array of strings");
    std::uint32_t alternatives = 0;
    fields.read("top_logprobs", alternatives, 0U, most_alternatives);
    if (std::ranges::contains(include, "message.output_text.logprobs")) {
        engine.alternatives = alternatives;
    }
}

void read_truncation(const Fields& fields, std::string& truncation) {
    fields.read("truncation", truncation);
    if (truncation != "auto" && truncation != "disabled") { fields.refuse("truncation", "auto or disabled"); }
}

void refuse_state(const Fields& fields) {
    refuse_named(fields, kept_state, "this server keeps no answers; send the whole conversation as 'input'");
    refuse_named(fields, templates, "this server keeps no prompts");
    bool background = false;
    fields.read("background", background);
    if (background) { fields.refuse("background", "false: this server keeps no answers"); }
}

void read_repeated(const Fields& fields, RepeatedFields& repeated) {
    const auto object = [&fields](std::string_view name) {
        fields.object(name); // refused if it is none
        return std::string(fields.raw(name));
    };
    repeated.metadata = object("metadata");
    repeated.reasoning = object("reasoning");
    repeated.text = object("text");
    repeated.tools = fields.raw("tools");
    repeated.tool_choice = fields.raw("tool_choice");
}

} // namespace

std::expected<ResponseRequest, ErrorReply> parse_response_request(std::string_view body) {
    Fault fault;
    const Fields fields = Fields::of_body(body, fault);
    ResponseRequest request;
    request.prompt_field = "input";
    request.schema_field = "text.format";
    engine::Request engine;
    engine::Messages messages;
    std::string model; // there is one model: the name is checked, not used
    RepeatedFields& repeated = request.repeated;
    if (std::string instructions; fields.read("instructions", instructions)) {
        repeated.instructions = std::move(instructions);
    }
    messages.json = messages_of_input(fields, repeated.instructions);
    fields.read("model", model);
    if (fields.read("max_output_tokens", engine.max_tokens, 1U, static_cast<std::uint32_t>(most_whole))) {
        repeated.max_output_tokens = engine.max_tokens;
    }
    read_sampling(fields, engine.sampling);
    fields.read("stream", request.stream);
    read_logprobs(fields, engine);
    read_truncation(fields, repeated.truncation);
    engine.slides = repeated.truncation == "auto";
    read_format(fields.object("text").object("format"), false, engine.sampling);
    std::vector<std::string> names;
    messages.tools = tools_for_chat(fields, names);
    const bool by_name = fields.raw("tool_choice").starts_with('{');
    read_tool_choice(fields, by_name ? fields.object("tool_choice") : fields, names, messages);
    refuse_state(fields);
    read_repeated(fields, repeated);
    repeated.parallel_tool_calls = messages.calls_in_parallel;
    repeated.temperature = engine.sampling.temperature;
    repeated.top_p = engine.sampling.top_p;
    if (fault) { return std::unexpected(*fault); }
    engine.prompt = std::move(messages);
    request.engine.push_back(std::move(engine));
    return request;
}

} // namespace vb::http
