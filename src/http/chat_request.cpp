#include "http/chat_request.h"

#include <algorithm>
#include <array>
#include <format>

namespace vb::http {

namespace {

constexpr std::size_t most_tools = 128;
constexpr std::array<std::string_view, 2> older_names{"functions", "function_call"};
constexpr std::array<std::string_view, 2> not_text{"audio", "web_search_options"};

// "" where it is text or nothing that this server knows of: what it means is for the chat template to say.
std::string_view foreign_part(std::string_view type) {
    if (type == "image_url" || type == "input_image") { return "images"; }
    if (type == "input_audio") { return "audio"; }
    if (type == "file" || type == "input_file") { return "files"; }
    return type == "video_url" ? "video" : "";
}

void check_parts(const Fields& message) {
    if (!message.raw("content").starts_with('[')) { return; }
    for (const Fields& part : message.objects("content")) {
        std::string type;
        part.read("type", type);
        if (const std::string_view what = foreign_part(type); !what.empty()) {
            part.refuse("type", std::format("text: this server takes no {}", what));
        }
    }
}

void read_messages(const Fields& fields, std::string& messages) {
    const std::string_view raw = fields.raw("messages");
    if (!raw.starts_with('[') || base::trimmed(raw.substr(1)) == "]") {
        return fields.refuse("messages", "an array with at least one message");
    }
    for (const Fields& message : fields.objects("messages")) {
        check_parts(message);
    }
    messages = raw;
}

void read_lengths(const Fields& fields, std::uint32_t& most) {
    constexpr auto limit = static_cast<std::uint32_t>(most_whole);
    // max_tokens is the older name: the newer one wins.
    fields.read("max_tokens", most, 1U, limit);
    fields.read("max_completion_tokens", most, 1U, limit);
}

void read_logprobs(const Fields& fields, ChatRequest& request, engine::Request& engine) {
    fields.read("logprobs", request.logprobs);
    std::uint32_t alternatives = 0;
    const bool asked = fields.read("top_logprobs", alternatives, 0U, most_alternatives);
    if (asked && !request.logprobs) {
        fields.refuse("top_logprobs", "left out where 'logprobs' is not true");
    }
    if (request.logprobs) { engine.alternatives = alternatives; }
}

// Their names. Their parameters are for the chat template and the engine to understand.
std::vector<std::string> read_tools(const Fields& fields, engine::Messages& messages) {
    std::vector<std::string> names;
    const std::vector<Fields> tools = fields.objects("tools");
    if (tools.size() > most_tools) { fields.refuse("tools", std::format("at most {} tools", most_tools)); }
    for (const Fields& tool : tools) {
        std::string type;
        tool.read("type", type);
        if (type != "function") { tool.refuse("type", "function"); }
        std::string name;
        if (!tool.object("function").read("name", name) || name.empty()) {
            tool.refuse("function.name", "the function's name");
        }
        names.push_back(std::move(name));
    }
    if (!tools.empty()) { messages.tools = fields.raw("tools"); }
    return names;
}

void read_output(const Fields& fields) {
    std::vector<std::string> modalities;
    fields.read("modalities", modalities, R"(["text"])");
    if (std::ranges::any_of(modalities, [](const std::string& one) { return one != "text"; })) {
        fields.refuse("modalities", R"(["text"]: this server writes text only)");
    }
    refuse_named(fields, not_text, "this server writes text only");
    refuse_named(fields, older_names, "'tools' and 'tool_choice' have taken its place");
}

} // namespace

void read_tool_choice(const Fields& fields, const Fields& named, const std::vector<std::string>& names,
                      engine::Messages& messages) {
    constexpr std::string_view expected = "none, auto, required, or one function of 'tools' by its name";
    std::string choice = "auto";
    if (fields.raw("tool_choice").starts_with('{')) {
        choice = "required";
        std::string type;
        fields.object("tool_choice").read("type", type);
        if (type != "function" || !named.read("name", messages.tool) ||
            !std::ranges::contains(names, messages.tool)) {
            return fields.refuse("tool_choice", expected);
        }
    } else if (fields.read("tool_choice", choice) && choice != "auto" && choice != "none" &&
               choice != "required") {
        return fields.refuse("tool_choice", expected);
    }
    if (choice == "required" && names.empty()) {
        return fields.refuse("tool_choice", "left out where there are no tools");
    }
    messages.tool_choice = choice == "none"       ? engine::ToolChoice::none
                           : choice == "required" ? engine::ToolChoice::required
                                                  : engine::ToolChoice::automatic;
    fields.read("parallel_tool_calls", messages.calls_in_parallel);
}

std::expected<ChatRequest, ErrorReply> parse_chat_request(std::string_view body) {
    Fault fault;
    const Fields fields = Fields::of_body(body, fault);
    ChatRequest request;
    request.prompt_field = "messages";
    request.schema_field = "response_format";
    engine::Request engine;
    engine::Messages messages;
    std::string model; // there is one model: the name is checked, not used
    std::uint32_t answers = 1;
    read_messages(fields, messages.json);
    fields.read("model", model);
    fields.read("n", answers, 1U, most_answers);
    read_lengths(fields, engine.max_tokens);
    read_sampling(fields, engine.sampling);
    read_stop(fields, engine.stop);
    read_streaming(fields, request);
    read_logprobs(fields, request, engine);
    read_format(fields.object("response_format"), true, engine.sampling);
    read_grammar(fields, engine.sampling);
    const std::vector<std::string> names = read_tools(fields, messages);
    const bool by_name = fields.raw("tool_choice").starts_with('{');
    read_tool_choice(fields, by_name ? fields.object("tool_choice").object("function") : fields, names,
                     messages);
    messages.template_values = fields.raw("chat_template_kwargs");
    if (!messages.template_values.empty()) { fields.object("chat_template_kwargs"); }
    read_output(fields);
    if (fault) { return std::unexpected(*fault); }
    engine.prompt = std::move(messages);
    request.engine = repeated(engine, answers);
    return request;
}

} // namespace vb::http
