#include "engine/chat_messages.h"

#include <algorithm>
#include <format>

namespace vb::engine {
namespace {

constexpr std::size_t most_tools = 128;
constexpr std::size_t longest_name = 64;
constexpr std::size_t longest_tools = std::size_t{1} << 20;
constexpr std::size_t longest_values = std::size_t{64} << 10;

Result<Json> read(std::string_view text, const std::string& what) {
    try {
        return parse_json(text);
    } catch (const std::exception& fault) { return refuse(what + ": " + fault.what()); }
}

std::string at(const std::string& what, std::size_t index) {
    return what + "[" + std::to_string(index) + "]";
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

bool is_name(const Json& name) {
    if (!name.is_string()) { return false; }
    const auto& text = name.get_ref<const std::string&>();
    return !text.empty() && text.size() <= longest_name && std::ranges::all_of(text, [](char character) {
        return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
               (character >= '0' && character <= '9') || std::string_view("_-.").contains(character);
    });
}
constexpr std::string_view expected_name = "expected 1 to 64 of letters, digits, _, - and .";

// The function of a tool, or of a call of one, which both have a name; null where it is none.
Result<Json*> named_function(Json& owner, const std::string& where) {
    if (!owner.is_object()) { return refuse(where + ": expected an object, found " + owner.type_name()); }
    if (!owner.contains("type")) { owner["type"] = "function"; }
    if (owner["type"] != "function") { return refuse(where + R"(.type: expected "function")"); }
    if (!owner.contains("function") || !owner["function"].is_object()) {
        return refuse(where + ".function: expected an object");
    }
    Json& function = owner["function"];
    if (!function.contains("name") || !is_name(function["name"])) {
        return refuse(where + ".function.name: " + std::string(expected_name));
    }
    return &function;
}

// In OpenAI's API they are an object's text.
Result<> check_arguments(Json& function, const std::string& where) {
    Json& arguments = function["arguments"];
    if (arguments.is_null()) { arguments = Json::object(); }
    if (arguments.is_string()) {
        auto object = read(arguments.get_ref<const std::string&>(), where);
        if (!object) { return std::unexpected(std::move(object.error())); }
        arguments = *std::move(object);
    }
    if (arguments.is_object()) { return {}; }
    return refuse(where + ": expected a JSON object, found " + arguments.type_name());
}

Result<> check_calls(Json& calls, const std::string& where) {
    if (!calls.is_array()) { return refuse(where + ": expected an array, found " + calls.type_name()); }
    for (std::size_t index = 0; index < calls.size(); ++index) {
        const std::string which = at(where, index);
        const auto function = named_function(calls[index], which);
        if (!function) { return std::unexpected(function.error()); }
        if (auto checked = check_arguments(**function, which + ".function.arguments"); !checked) {
            return checked;
        }
        if (calls[index].contains("id") && !calls[index]["id"].is_string()) {
            return refuse(which + ".id: expected a string");
        }
    }
    return {};
}

Result<> check_message(Json& message, const std::string& where) {
    if (!message.is_object()) { return refuse(where + ": expected an object, found " + message.type_name()); }
    if (!message.contains("role") || !message["role"].is_string()) {
        return refuse(where + R"(.role: expected a string such as "user")");
    }
    if (message.contains("tool_calls") && message["tool_calls"].is_null()) { message.erase("tool_calls"); }
    // An assistant's message that only calls tools has no content.
    if (!message.contains("content") && !message.contains("tool_calls")) {
        return refuse(where + ".content: missing, expected a string");
    }
    auto content = plain_content(message.value("content", Json()), where);
    if (!content) { return std::unexpected(std::move(content.error())); }
    message["content"] = *std::move(content);
    if (message.contains("tool_call_id") && !message["tool_call_id"].is_string()) {
        return refuse(where + ".tool_call_id: expected a string");
    }
    if (!message.contains("tool_calls")) { return {}; }
    return check_calls(message["tool_calls"], where + ".tool_calls");
}

} // namespace

Result<Json> checked_messages(std::string_view text) {
    auto messages = read(text, "messages");
    if (!messages) { return messages; }
    if (!messages->is_array() || messages->empty()) {
        return refuse(std::string("messages: expected a non-empty array of messages, found ") +
                      (messages->is_array() ? "an empty one" : messages->type_name()));
    }
    for (std::size_t index = 0; index < messages->size(); ++index) {
        if (auto checked = check_message((*messages)[index], at("messages", index)); !checked) {
            return std::unexpected(std::move(checked.error()));
        }
    }
    return messages;
}

Result<Tools> checked_tools(std::string_view text) {
    if (text.empty()) { return Tools{.json = Json::array(), .list = {}}; }
    if (text.size() > longest_tools) { return refuse("tools: expected at most 1 MiB of JSON"); }
    auto json = read(text, "tools");
    if (!json) { return std::unexpected(std::move(json.error())); }
    if (!json->is_array()) {
        return refuse(std::string("tools: expected an array, found ") + json->type_name());
    }
    if (json->size() > most_tools) { return refuse("tools: expected at most 128 of them"); }
    Tools tools;
    for (std::size_t index = 0; index < json->size(); ++index) {
        const std::string where = at("tools", index);
        const auto found = named_function((*json)[index], where);
        if (!found) { return std::unexpected(found.error()); }
        Json& function = **found;
        if (!function.contains("description") || function["description"].is_null()) {
            function["description"] = "";
        }
        if (!function["description"].is_string()) {
            return refuse(where + ".function.description: expected a string");
        }
        Json& parameters = function["parameters"];
        if (parameters.is_null()) { parameters = {{"type", "object"}, {"properties", Json::object()}}; }
        if (!parameters.is_object()) {
            return refuse(where + ".function.parameters: expected a JSON object, found " +
                          parameters.type_name());
        }
        if (parameters.contains("type") && parameters["type"] != "object") {
            return refuse(where + R"(.function.parameters.type: expected "object")");
        }
        auto name = function["name"].get<std::string>();
        if (std::ranges::contains(tools.list, name, &Tool::name)) {
            return refuse(std::format(R"({}.function.name: "{}" is there twice)", where, name));
        }
        tools.list.push_back({.name = std::move(name), .parameters = json_text(parameters)});
    }
    tools.json = *std::move(json);
    return tools;
}

Result<Json> checked_template_values(std::string_view text) {
    if (text.empty()) { return Json::object(); }
    if (text.size() > longest_values) { return refuse("template_values: expected at most 64 KiB of JSON"); }
    auto values = read(text, "template_values");
    if (!values) { return values; }
    if (!values->is_object()) {
        return refuse(std::string("template_values: expected an object, found ") + values->type_name());
    }
    for (const char* const taken : {"messages", "tools"}) {
        if (values->contains(taken)) {
            return refuse(std::string("template_values.") + taken + ": the request has these itself");
        }
    }
    return values;
}

} // namespace vb::engine
