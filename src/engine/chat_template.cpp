// minja's chat_template class is not used: it renders the template about ten times to find out what it can
// do, and writes to stderr. Its parser is enough; what a template cannot do is found out when it is asked to.
#include "engine/chat_template.h"

#include "engine/bounded_json.h"

#include <minja/minja.hpp>

#include <algorithm>
#include <array>
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
    int blocks = 0;
    for (std::size_t begin = 0; (begin = source.find('{', begin)) != std::string_view::npos;) {
        const std::string_view opening = source.substr(begin, 2);
        if (opening != "{{" && opening != "{%") {
            ++begin;
            continue;
        }
        const std::size_t end = source.find(opening == "{{" ? "}}" : "%}", begin + 2);
        const std::string_view tag = source.substr(begin, end == std::string_view::npos ? end : end - begin);
        blocks += block_step(tag);
        if (tag.size() > longest_tag || blocks > deepest_template || nests_too_deeply(tag)) { return true; }
        begin += tag.size();
    }
    return false;
}

std::unexpected<Error> unusable(std::string_view reason) {
    return std::unexpected(
        Error{Fault::model_unsupported, "the model's chat template: " + std::string(reason)});
}
std::unexpected<Error> refuse(std::string message) {
    return std::unexpected(Error{Fault::request, std::move(message)});
}

// Templates join contents as text, so the parts of an array become one string.
Result<Json> plain_content(const Json& content, const std::string& where) {
    if (content.is_string()) { return content; }
    if (content.is_null()) { return Json(""); }
    const std::string expected = where + ".content: expected a string, null or an array of text parts";
    if (!content.is_array()) { return refuse(expected + ", found " + content.type_name()); }
    std::string text;
    for (const Json& part : content) {
        if (!part.is_object() || !part.contains("type") || !part["type"].is_string()) {
            return refuse(expected + R"(, each {"type": "text", "text": "..."})");
        }
        if (part["type"] != "text") {
            return refuse(where + ".content: parts of type \"" + part["type"].get<std::string>() +
                          "\" are not supported, expected \"text\"");
        }
        if (!part.contains("text") || !part["text"].is_string()) { return refuse(expected); }
        text += part["text"].get<std::string>();
    }
    return Json(std::move(text));
}

Result<Json> checked_messages(std::string_view text) {
    Json messages;
    try {
        messages = parse_json(text);
    } catch (const std::exception& fault) { return refuse(std::string("messages: ") + fault.what()); }
    if (!messages.is_array() || messages.empty()) {
        return refuse(std::string("messages: expected a non-empty array of messages, found ") +
                      (messages.is_array() ? "an empty one" : messages.type_name()));
    }
    for (std::size_t index = 0; index < messages.size(); ++index) {
        Json& message = messages[index];
        const std::string where = "messages[" + std::to_string(index) + "]";
        if (!message.is_object()) {
            return refuse(where + ": expected an object, found " + message.type_name());
        }
        if (!message.contains("role") || !message["role"].is_string()) {
            return refuse(where + R"(.role: expected a string such as "user")");
        }
        // An assistant's message that only calls tools has no content.
        if (!message.contains("content") && !message.contains("tool_calls")) {
            return refuse(where + ".content: missing, expected a string");
        }
        auto content = plain_content(message.value("content", Json()), where);
        if (!content) { return std::unexpected(std::move(content.error())); }
        message["content"] = *std::move(content);
    }
    return messages;
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

} // namespace

struct ChatTemplate::Tree {
    std::shared_ptr<minja::TemplateNode> root;

    Result<std::string> try_render(const Json& messages, const SpecialTexts& special) const {
        try {
            auto context =
                minja::Context::make(Json({{"messages", messages}, {"add_generation_prompt", true}}));
            context->set("bos_token", special.beginning);
            context->set("eos_token", special.end);
            context->set("strftime_now", minja::Value::callable(strftime_now));
            return root->render(context);
        } catch (const std::exception& fault) {
            return refuse(std::string("the model's chat template refuses these messages: ") + fault.what());
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
    if (is_too_complex(source)) {
        return unusable("nests deeper than 100 blocks or brackets, or a tag is longer than 16384 characters");
    }
    try {
        const minja::Options options{
            .trim_blocks = true, .lstrip_blocks = true, .keep_trailing_newline = false};
        const std::string text(source.empty() ? chatml : source);
        return ChatTemplate(std::make_unique<Tree>(Tree{minja::Parser::parse(text, options)}));
    } catch (const std::exception& fault) { return unusable(fault.what()); }
}

Result<std::string> ChatTemplate::render(std::string_view messages_text, const SpecialTexts& special) const {
    auto messages = checked_messages(messages_text);
    if (!messages) { return std::unexpected(std::move(messages.error())); }
    auto text = tree_->try_render(*messages, special);
    if (text) { return text; }
    const Json rest = without_system_role(*messages);
    if (!rest.empty() && rest.size() < messages->size()) {
        if (auto second = tree_->try_render(rest, special)) { return second; }
    }
    return text; // the first refusal speaks of the messages as they were sent
}

} // namespace vb::engine
