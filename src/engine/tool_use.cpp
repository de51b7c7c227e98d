#include "engine/tool_use.h"

#include <algorithm>
#include <array>

namespace vb::engine {
namespace {

constexpr std::uint32_t most_calls = 16;

std::optional<Token> control_token(const llama_vocab* vocabulary, std::string_view text) {
    std::array<Token, 2> tokens{};
    const std::int32_t count = llama_tokenize(vocabulary, text.data(), static_cast<std::int32_t>(text.size()),
                                              tokens.data(), tokens.size(), false, true);
    if (count != 1 || !llama_vocab_is_control(vocabulary, tokens[0])) { return std::nullopt; }
    return tokens[0];
}

std::vector<std::string> names(std::span<const Tool> tools) {
    std::vector<std::string> all;
    std::ranges::transform(tools, std::back_inserter(all), &Tool::name);
    return all;
}

} // namespace

ToolUse::ToolUse(ToolFormat format, std::vector<Tool> tools, std::uint32_t most)
    : format_(format), tools_(std::move(tools)), most_(most), calls_(format, names(tools_), most) {}

Result<std::optional<ToolUse>> ToolUse::create(const Model& model, const Request& request) {
    const auto* const messages = std::get_if<Messages>(&request.prompt);
    if (messages == nullptr || messages->tool_choice == ToolChoice::none) { return std::nullopt; }
    auto tools = checked_tools(messages->tools);
    if (!tools) { return std::unexpected(std::move(tools.error())); }
    const bool is_required = messages->tool_choice == ToolChoice::required || !messages->tool.empty();
    if (tools->list.empty()) {
        if (is_required) { return refuse("tool_choice: a call is required, and there are no tools"); }
        return std::nullopt;
    }
    if (!messages->tool.empty()) {
        std::erase_if(tools->list, [&](const Tool& tool) { return tool.name != messages->tool; });
        if (tools->list.empty()) {
            return refuse("tool_choice: there is no tool \"" + messages->tool + "\"");
        }
    }
    const Sampling& sampling = request.sampling;
    if (is_required && !(sampling.schema.empty() && sampling.grammar.empty())) {
        return refuse(
            "tool_choice: a call is required, so the answer cannot have a schema or grammar of its own");
    }
    if (!sampling.grammar.empty()) { return std::nullopt; } // it knows no calls
    const ToolFormat format = model.chat_template->tool_format();
    const bool are_many = messages->calls_in_parallel && messages->tool.empty();
    ToolUse use(format, std::move(tools->list), are_many ? most_calls : 1);
    use.mark_token_ = control_token(model.vocabulary(), format.begin());
    if (!sampling.schema.empty()) {
        try {
            use.schema_ =
                json_text(parse_json(sampling.schema)); // nothing but JSON becomes part of a grammar
        } catch (const std::exception& fault) { return refuse(std::string("schema: ") + fault.what()); }
    }
    use.is_required_ = is_required;
    use.obeys_always_ = is_required || !sampling.schema.empty();
    return use;
}

CallGrammar ToolUse::grammar() const {
    return {.format = format_,
            .tools = tools_,
            .most = most_,
            .mark = mark_token_ ? "<[" + std::to_string(*mark_token_) + "]>" : lark_text(format_.begin())};
}

Result<> ToolUse::begin(SchemaVocabulary& schemas, Sampler& sampler) {
    if (!obeys_always_) { return {}; }
    auto schema = Schema::of_grammar(schemas, grammar().of_answer(schema_),
                                     schema_.empty() ? "tools" : "tools or schema");
    if (!schema) { return std::unexpected(std::move(schema.error())); }
    sampler.obey(*std::move(schema));
    return {};
}

void ToolUse::append_mark(Token token, std::string& piece) const {
    if (token == mark_token_) { piece += format_.begin(); }
}

void ToolUse::add(std::string_view text, Receiver& receiver, SchemaVocabulary& schemas, Sampler& sampler) {
    calls_.add(text, receiver);
    if (obeys_always_) { return; }
    const auto begun = calls_.begun();
    if (begun.has_value() == obeys_call_) { return; }
    obeys_call_ = begun.has_value();
    if (!begun) { return sampler.obey(std::nullopt); }
    // Where it is not supported, the model is on its own.
    if (auto schema = Schema::of_grammar(schemas, grammar().of_rest(), "tools", *begun)) {
        sampler.obey(*std::move(schema));
    }
}

} // namespace vb::engine
