#include "engine/call_grammar.h"

#include "engine/schema.h"

#include <algorithm>
#include <array>

namespace vb::engine {
namespace {

// A small model never comes to the end of an object that may have members of any name: where the schema names members
// and does not speak of others, there are none. A strict subset obeys the schema too.
std::string closed(const std::string& parameters) {
    Json schema = parse_json(parameters);
    if (!schema.contains("type")) { schema["type"] = "object"; }
    const auto has = [&schema](const char* member) { return schema.contains(member); };
    const bool is_open = std::ranges::any_of(
        std::to_array({"additionalProperties", "patternProperties", "unevaluatedProperties", "allOf", "anyOf",
                       "oneOf", "$ref", "if", "propertyNames", "minProperties"}),
        has);
    if (has("properties") && !is_open) { schema["additionalProperties"] = false; }
    return with_bounded_white_space(json_text(schema));
}

// Rules `call` and those it needs: the JSON object that a call is.
std::string object_rules(const ToolFormat& format, std::span<const Tool> tools) {
    std::string call = "call:";
    std::string rest;
    for (std::size_t index = 0; index < tools.size(); ++index) {
        const std::string number = std::to_string(index);
        const std::string head =
            R"({"name": ")" + tools[index].name + R"(", ")" + std::string(format.arguments()) + R"(": )";
        call += (index == 0 ? " " : " | ") + lark_text(head) + " arguments_" + number + " \"}\"";
        rest += "arguments_" + number + ": %json " + closed(tools[index].parameters) + "\n";
    }
    return call + "\n" + rest;
}

// One `rule` to `most` of them.
std::string repeated(const std::string& rule, const std::string& separator, std::uint32_t most) {
    if (most <= 1) { return rule; }
    return rule + " (" + lark_text(separator) + " " + rule + "){0," + std::to_string(most - 1) + "}";
}

std::string bracketed(std::uint32_t most) { return "\"[\" " + repeated("call", ", ", most) + " \"]\""; }

} // namespace

std::string lark_text(std::string_view text) { return Json(text).dump(); }

std::string CallGrammar::of_answer(const std::string& schema) const {
    std::string answer;
    switch (format.form) {
    case CallForm::tagged:
        answer = repeated("tagged", "\n", most) + "\ntagged: " + mark + " \"\\n\" call \"\\n\" " +
                 lark_text(format.end());
        break;
    case CallForm::bare:
        answer = "call";
        break;
    case CallForm::bracketed:
        answer = mark + " " + bracketed(most);
        break;
    }
    std::string start = "start: calls\n";
    if (!schema.empty()) {
        start = "start: calls | answer\nanswer: %json " + with_bounded_white_space(schema) + "\n";
    }
    return start + "calls: " + answer + "\n" + object_rules(format, tools);
}

std::string CallGrammar::of_rest() const {
    const std::string rest =
        format.form == CallForm::bracketed ? bracketed(most) : "call /\\n?/ " + lark_text(format.end());
    return "start: /[ \\n]{0,2}/ " + rest + "\n" + object_rules(format, tools);
}

} // namespace vb::engine
