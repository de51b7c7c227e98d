#include "http/json.h"
#include "http/response_request.h"

#include <algorithm>
#include <array>
#include <format>
#include <utility>

namespace vb::http::wire {

struct InputFunction {
    std::string name, arguments;
};
struct InputCall {
    std::string id;
    std::string_view type = "function";
    InputFunction function;
};
struct InputMessage {
    static constexpr std::array<std::string_view, 2> left_out{"tool_calls", "tool_call_id"};
    std::string role;
    std::optional<std::string> content;
    std::optional<std::vector<InputCall>> tool_calls;
    std::optional<std::string> tool_call_id;
};

struct ToolFunction {
    static constexpr std::array<std::string_view, 2> left_out{"description", "parameters"};
    std::string name;
    std::optional<std::string> description;
    std::optional<glz::raw_json> parameters;
};
struct FunctionTool {
    std::string_view type = "function";
    ToolFunction function;
};

} // namespace vb::http::wire

namespace vb::http {

namespace {

constexpr std::size_t most_tools = 128;

bool is_text(std::string_view type) {
    return type == "input_text" || type == "output_text" || type == "text";
}

// A string, or an array of text parts.
std::string content_of(const Fields& item, std::string_view name) {
    std::string text;
    if (!item.raw(name).starts_with('[')) {
        if (!item.read(name, text)) { item.refuse(name, "a string or an array of parts"); }
        return text;
    }
    for (const Fields& part : item.objects(name)) {
        std::string type;
        std::string piece;
        part.read("type", type);
        if (type == "refusal") {
            part.read("refusal", piece);
        } else if (!is_text(type)) {
            part.refuse("type", "input_text or output_text: this server takes text only");
        } else if (!part.read("text", piece)) {
            part.refuse("text", "a string");
        }
        text += piece;
    }
    return text;
}

class Conversation {
  public:
    void add(std::string role, std::string content) {
        messages_.push_back(
            {.role = std::move(role), .content = std::move(content), .tool_calls = {}, .tool_call_id = {}});
    }
    void add_item(const Fields& item) {
        std::string type = "message";
        item.read("type", type);
        if (type == "message") {
            add_message(item);
        } else if (type == "function_call") {
            add_call(item);
        } else if (type == "function_call_output") {
            add("tool", content_of(item, "output"));
            messages_.back().tool_call_id = required(item, "call_id");
        } else if (type != "reasoning") { // what a model thought is not told to it again
            item.refuse("type", "message, function_call, function_call_output or reasoning");
        }
    }
    bool empty() const noexcept { return messages_.empty(); }
    std::string text() const { return json(messages_); }

  private:
    static std::string required(const Fields& item, std::string_view name) {
        std::string value;
        if (!item.read(name, value) || value.empty()) { item.refuse(name, "a string that is not empty"); }
        return value;
    }
    void add_message(const Fields& item) {
        std::string role;
        item.read("role", role);
        if (role == "developer") { role = "system"; } // what chat templates know
        if (role != "user" && role != "assistant" && role != "system") {
            item.refuse("role", "user, assistant, system or developer");
        }
        add(std::move(role), content_of(item, "content"));
    }
    // Calls that follow each other, or a text, are one turn of the assistant.
    void add_call(const Fields& item) {
        if (messages_.empty() || messages_.back().role != "assistant") {
            add("assistant", "");
            messages_.back().content.reset();
        }
        wire::InputMessage& message = messages_.back();
        if (!message.tool_calls) { message.tool_calls.emplace(); }
        message.tool_calls->push_back(
            {.id = required(item, "call_id"),
             .function = {.name = required(item, "name"), .arguments = required(item, "arguments")}});
    }

    std::vector<wire::InputMessage> messages_;
};

} // namespace

std::string messages_of_input(const Fields& fields, const std::optional<std::string>& instructions) {
    constexpr std::string_view expected = "a string or an array with at least one item";
    Conversation conversation;
    if (instructions && !instructions->empty()) { conversation.add("system", *instructions); }
    std::string text;
    if (fields.raw("input").starts_with('[')) {
        const std::vector<Fields> items = fields.objects("input");
        if (items.empty()) { fields.refuse("input", expected); }
        for (const Fields& item : items) {
            conversation.add_item(item);
        }
    } else if (fields.raw("input").starts_with('"') && fields.read("input", text)) {
        conversation.add("user", std::move(text));
    } else {
        fields.refuse("input", expected);
    }
    return conversation.text();
}

std::string tools_for_chat(const Fields& fields, std::vector<std::string>& names) {
    const std::vector<Fields> items = fields.objects("tools");
    if (items.size() > most_tools) { fields.refuse("tools", std::format("at most {} tools", most_tools)); }
    std::vector<wire::FunctionTool> tools;
    for (const Fields& item : items) {
        std::string type;
        item.read("type", type);
        if (type != "function") { item.refuse("type", "function: this server runs no tools of its own"); }
        wire::ToolFunction function{.name = {}, .description = {}, .parameters = {}};
        if (!item.read("name", function.name) || function.name.empty()) {
            item.refuse("name", "the function's name");
        }
        if (std::string description; item.read("description", description)) {
            function.description = std::move(description);
        }
        if (item.has("parameters")) { function.parameters = std::string(item.raw("parameters")); }
        names.push_back(function.name);
        tools.push_back({.function = std::move(function)});
    }
    return tools.empty() ? std::string() : json(tools);
}

} // namespace vb::http
