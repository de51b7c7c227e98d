// minja's chat_template class is not used: it renders the template about ten times to find out what it can
// do, and writes to stderr. Its parser is enough; what a template cannot do is found out when it is asked to.
#include "engine/chat_template.h"

#include "engine/chat_messages.h"
#include "engine/template_bounds.h"

#include <minja/minja.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <ctime>
#include <iomanip>
#include <sstream>
#include <stdexcept>

namespace vb::engine {
namespace {

// The template comes from the model's file, and the parser calls itself for every bracket and operator of a
// tag.
constexpr int deepest_template = 100;
constexpr std::size_t longest_tag = 16384;
// Its regular expressions call themselves for every character of white space, and look for each at all that follows.
constexpr std::size_t longest_space = 1024;
constexpr std::size_t longest_source = std::size_t{1} << 18;

bool nests_too_deeply(std::string_view tag) {
    int depth = 0;
    for (const char character : tag) {
        if (std::string_view("([{").contains(character)) { ++depth; }
        if (std::string_view(")]}").contains(character)) { --depth; }
        if (depth > deepest_template) { return true; }
    }
    return false;
}

// 1 for a tag that begins a block, -1 for one that ends it.
int block_step(std::string_view tag) {
    if (!tag.starts_with("{%")) { return 0; }
    tag.remove_prefix(std::min(tag.find_first_not_of("{%-+ \t\r\n"), tag.size()));
    if (tag.starts_with("end")) { return -1; }
    const auto begins = [tag](std::string_view word) { return tag.starts_with(word); };
    return std::ranges::any_of(std::to_array<std::string_view>({"if", "for", "macro", "call", "filter"}),
                               begins);
}

// Whether parsing could exhaust the stack.
bool is_too_complex(std::string_view source) {
    std::size_t space = 0;
    for (const char character : source) {
        space = std::isspace(static_cast<unsigned char>(character)) != 0 ? space + 1 : 0;
        if (space > longest_space) { return true; }
    }
    int blocks = 0;
    for (std::size_t begin = 0; (begin = source.find('{', begin)) != std::string_view::npos;) {
        const std::string_view opening = source.substr(begin, 2);
        if (opening != "{{" && opening != "{%" && opening != "{#") {
            ++begin;
            continue;
        }
        const std::size_t end = source.find(opening == "{{"   ? "}}"
                                            : opening == "{%" ? "%}"
                                                              : "#}",
                                            begin + 2);
        const std::string_view tag = source.substr(begin, end == std::string_view::npos ? end : end - begin);
        blocks += block_step(tag);
        if (tag.size() > longest_tag || blocks > deepest_template ||
            (opening != "{#" && nests_too_deeply(tag))) {
            return true;
        }
        begin += tag.size();
    }
    return false;
}

std::unexpected<Error> unusable(std::string_view reason) {
    return std::unexpected(
        Error{Fault::model_unsupported, "the model's chat template: " + std::string(reason)});
}

// For templates that know no system role: its text goes before the first user message.
Json without_system_role(const Json& messages) {
    Json rest = Json::array();
    std::string system;
    for (Json message : messages) {
        if (message["role"] == "system") {
            system += message["content"].get<std::string>() + "\n\n";
            continue;
        }
        if (message["role"] == "user" && !system.empty()) {
            message["content"] = system + message["content"].get<std::string>();
            system.clear();
        }
        rest.push_back(std::move(message));
    }
    return rest;
}

// Jinja's strftime_now, which templates with a date in the system prompt call.
minja::Value strftime_now(const std::shared_ptr<minja::Context>&, minja::ArgumentsValue& arguments) {
    arguments.expectArgs("strftime_now", {1, 1}, {0, 0});
    const auto format = arguments.args[0].get<std::string>();
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    localtime_r(&now, &local);
    std::ostringstream text;
    text << std::put_time(&local, format.c_str());
    return minja::Value(text.str());
}

// With the arguments of calls as text, as OpenAI's API has them.
Json with_argument_texts(Json messages) {
    for (Json& message : messages) {
        if (!message.contains("tool_calls")) { continue; }
        for (Json& call : message["tool_calls"]) {
            Json& arguments = call["function"]["arguments"];
            arguments = json_text(arguments);
        }
    }
    return messages;
}

// A macro holds the variables among which it is defined, and these the macro.
class RootContext final : public minja::Context {
  public:
    explicit RootContext(minja::Value&& values) : minja::Context(std::move(values), builtins()) {}

    // Clears the variables at its end.
    class Released {
      public:
        explicit Released(std::shared_ptr<RootContext> context) : context_(std::move(context)) {}
        ~Released() { context_->values_ = minja::Value::object(); }
        Released(const Released&) = delete;
        Released& operator=(const Released&) = delete;
        RootContext* operator->() const { return context_.get(); }
        std::shared_ptr<RootContext> get() const { return context_; }

      private:
        std::shared_ptr<RootContext> context_;
    };
};

// What a template is given besides the messages.
struct Variables {
    Json values;
    Json tools;
    const SpecialTexts& special;
};

} // namespace

struct ChatTemplate::Tree {
    std::shared_ptr<minja::TemplateNode> root;
    ToolFormat tool_format;
    bool takes_objects; // the arguments of calls, which it turns into text itself

    Result<std::string> try_render(const Json& messages, const Variables& variables) const {
        try {
            Json all = variables.values;
            all.emplace("add_generation_prompt", true);
            all["messages"] = messages;
            if (!variables.tools.empty()) { all["tools"] = variables.tools; }
            const TemplateBounds bounds;
            const RootContext::Released context(std::make_shared<RootContext>(minja::Value(all)));
            context->set("bos_token", variables.special.beginning);
            context->set("eos_token", variables.special.end);
            context->set("strftime_now", minja::Value::callable(strftime_now));
            return root->render(context.get());
        } catch (const TemplateExcess& excess) {
            return refuse("the model's chat template cannot be used for these messages: " + excess.reason);
        } catch (const std::exception& fault) {
            constexpr std::size_t longest_reason = 2000; // it quotes the template, line for line
            return refuse(std::string("the model's chat template refuses these messages: ") +
                          std::string(fault.what()).substr(0, longest_reason));
        }
    }
};

const std::string_view ChatTemplate::chatml =
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + "
    "'<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% "
    "endif %}";

ChatTemplate::ChatTemplate(std::unique_ptr<Tree> tree) : tree_(std::move(tree)) {}
ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate& ChatTemplate::operator=(ChatTemplate&&) noexcept = default;
ChatTemplate::~ChatTemplate() = default;

Result<ChatTemplate> ChatTemplate::parse(std::string_view source) {
    if (source.size() > longest_source) { return unusable("it is longer than 256 KiB"); }
    if (is_too_complex(source)) {
        return unusable(
            "nests deeper than 100 blocks or brackets, or a tag is longer than 16384 characters, or "
            "white space than 1024");
    }
    try {
        const minja::Options options{
            .trim_blocks = true, .lstrip_blocks = true, .keep_trailing_newline = false};
        const std::string text(source.empty() ? chatml : source);
        return ChatTemplate(std::make_unique<Tree>(Tree{.root = minja::Parser::parse(text, options),
                                                        .tool_format = find_tool_format(text),
                                                        .takes_objects = text.contains("tojson")}));
    } catch (const std::exception& fault) { return unusable(fault.what()); }
}

const ToolFormat& ChatTemplate::tool_format() const noexcept { return tree_->tool_format; }

Result<std::string> ChatTemplate::render(const Messages& request, const SpecialTexts& special) const {
    auto messages = checked_messages(request.json);
    if (!messages) { return std::unexpected(std::move(messages.error())); }
    auto tools = checked_tools(request.tools);
    if (!tools) { return std::unexpected(std::move(tools.error())); }
    auto values = checked_template_values(request.template_values);
    if (!values) { return std::unexpected(std::move(values.error())); }
    if (request.tool_choice == ToolChoice::none) { tools->json = Json::array(); }
    Variables variables{.values = *std::move(values), .tools = std::move(tools->json), .special = special};
    if (tree_->tool_format.is_told) {
        messages = told_as_text(*messages, variables.tools);
        variables.tools = Json::array();
    } else {
        adapt_messages(tree_->tool_format.form, *messages);
    }
    if (!tree_->takes_objects) { messages = with_argument_texts(*std::move(messages)); }
    auto text = tree_->try_render(*messages, variables);
    if (text) { return text; }
    const Json rest = without_system_role(*messages);
    if (!rest.empty() && rest.size() < messages->size()) {
        if (auto second = tree_->try_render(rest, variables)) { return second; }
    }
    return text; // the first refusal speaks of the messages as they were sent
}

} // namespace vb::engine
