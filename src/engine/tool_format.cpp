#include "engine/tool_format.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace vb::engine {
namespace {

// Words as models of the Hermes and Qwen families know them.
constexpr std::string_view told_before =
    "You may call one or more functions to assist with the user query.\n\n"
    "You are provided with function signatures within <tools></tools> XML tags:\n<tools>";
constexpr std::string_view told_after =
    "\n</tools>\n\nFor each function call, return a json object with function name and arguments within "
    "<tool_call></tool_call> XML tags:\n<tool_call>\n"
    R"({"name": <function-name>, "arguments": <args-json-object>})"
    "\n</tool_call>";

std::string told(const Json& tools) {
    std::string text(told_before);
    for (const Json& tool : tools) {
        text += "\n" + json_text(tool);
    }
    return text.append(told_after);
}

std::string as_text(const Json& calls) {
    std::string text;
    for (const Json& call : calls) {
        const Json& function = call["function"];
        text += "\n<tool_call>\n{\"name\": " + json_text(function["name"]) +
                ", \"arguments\": " + json_text(function["arguments"]) + "}\n</tool_call>";
    }
    return text;
}

bool is_used(std::string_view source, std::string_view name) {
    const auto is_part = [&](std::size_t at) {
        return at < source.size() &&
               (std::isalnum(static_cast<unsigned char>(source[at])) != 0 || source[at] == '_');
    };
    for (std::size_t at = source.find(name); at != std::string_view::npos; at = source.find(name, at + 1)) {
        if ((at == 0 || !is_part(at - 1)) && !is_part(at + name.size())) { return true; }
    }
    return false;
}

} // namespace

std::string_view ToolFormat::begin() const noexcept {
    switch (form) {
    case CallForm::tagged:
        return "<tool_call>";
    case CallForm::bare:
        return "<|python_tag|>";
    case CallForm::bracketed:
        return "[TOOL_CALLS]";
    }
    std::unreachable();
}
std::string_view ToolFormat::end() const noexcept { return form == CallForm::tagged ? "</tool_call>" : ""; }
std::string_view ToolFormat::arguments() const noexcept {
    return form == CallForm::bare ? "parameters" : "arguments";
}

ToolFormat find_tool_format(std::string_view source) {
    const auto has = [source](std::string_view text) { return source.contains(text); };
    if (is_used(source, "tools")) {
        if (has("[TOOL_CALLS]") && !has("[ARGS]")) { return {.form = CallForm::bracketed}; }
        // Some write XML between the tags.
        if (has("<tool_call>") && !has("<function=") && !has("<arg_key>")) {
            return {.form = CallForm::tagged};
        }
        if (has("<|python_tag|>") || has("\"parameters\": ")) { return {.form = CallForm::bare}; }
    }
    return {.form = CallForm::tagged, .is_told = true};
}

Json told_as_text(const Json& messages, const Json& tools) {
    Json told_messages = Json::array();
    if (!tools.empty() && messages.front()["role"] != "system") {
        told_messages.push_back({{"role", "system"}, {"content", told(tools)}});
    }
    bool is_after_result = false;
    for (Json message : messages) {
        auto& content = message["content"].get_ref<std::string&>();
        if (!tools.empty() && told_messages.empty()) {
            content += (content.empty() ? "" : "\n\n") + told(tools);
        }
        if (message.contains("tool_calls")) {
            content += as_text(message["tool_calls"]);
            if (content.starts_with('\n')) { content.erase(0, 1); }
            message.erase("tool_calls");
        }
        const bool is_result = message["role"] == "tool";
        if (is_result) {
            std::string result = "<tool_response>\n" + content + "\n</tool_response>";
            if (is_after_result) { // users and assistants take turns
                told_messages.back()["content"].get_ref<std::string&>() += "\n" + result;
                continue;
            }
            message = {{"role", "user"}, {"content", std::move(result)}};
        }
        is_after_result = is_result;
        told_messages.push_back(std::move(message));
    }
    return told_messages;
}

void adapt_messages(CallForm form, Json& messages) {
    if (form != CallForm::bracketed) { return; }
    // Mistral's templates refuse all but identifiers of nine characters.
    std::vector<std::string> known;
    const auto adapt = [&known](Json& identifier) {
        const auto& text = identifier.get_ref<const std::string&>();
        const auto found = std::ranges::find(known, text);
        std::string number = std::to_string(found - known.begin());
        if (found == known.end()) { known.push_back(text); }
        identifier = std::string(9 - std::min<std::size_t>(number.size(), 9), '0') + number;
    };
    for (Json& message : messages) {
        if (message.contains("tool_call_id")) { adapt(message["tool_call_id"]); }
        if (!message.contains("tool_calls")) { continue; }
        for (Json& call : message["tool_calls"]) {
            if (!call.contains("id")) { call["id"] = ""; }
            adapt(call["id"]);
        }
    }
}

} // namespace vb::engine
