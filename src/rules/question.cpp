#include "rules/question.h"

#include "hardware/sysfs.h"
#include "http/json.h"

#include <ranges>

namespace vb::rules {

namespace wire { // glaze wants types with linkage

struct Message {
    std::string_view role;
    std::string content;
};

} // namespace wire

namespace {

// A whole number, decimal or hexadecimal, of what a register may hold.
constexpr char number_grammar[] = R"(root ::= "-"? [0-9]{1,19} | "0x" [0-9a-fA-F]{1,16})";

std::string literal_of(std::string_view text) {
    std::string literal = "\"";
    for (const char character : text) {
        switch (character) {
        case '\n':
            literal += "\\n";
            break;
        case '\r':
            literal += "\\r";
            break;
        case '"':
        case '\\':
            literal += '\\';
            [[fallthrough]];
        default:
            literal += character;
        }
    }
    return literal += '"';
}

template <class Texts>
std::string one_of(const Texts& texts) {
    std::string grammar = "root ::= ";
    for (bool is_first = true; const std::string& text : texts) {
        grammar += (is_first ? "" : " | ") + literal_of(text);
        is_first = false;
    }
    return grammar;
}

base::Result<std::uint64_t> number_in(std::string_view answer) {
    std::string_view digits = answer;
    const bool is_negative = digits.starts_with('-');
    if (is_negative) { digits.remove_prefix(1); }
    const auto number = hardware::parse_digits(digits, digits.starts_with("0x") ? 16 : 10);
    if (!number) {
        return base::failure("write the answer", answer, "expected a whole number that a register can hold");
    }
    return is_negative ? -*number : *number;
}

} // namespace

Values values_of(const config::Rule& rule, const Event& event) {
    return {{"rule", rule.name},
            {"device", rule.device},
            {"value", event.value.text()},
            {"before", event.before.text()},
            {"count", std::to_string(event.count)},
            {"code", std::to_string(event.code)}};
}

std::string fill(std::string_view text, const Values& values) {
    std::string filled;
    config::read_template(
        text, [&](std::string_view literal) { filled += literal; },
        [&](std::string_view name) {
            const auto known = values.find(name);
            if (known != values.end()) { filled += known->second; }
        });
    return filled;
}

std::string grammar_of(const config::Rule& rule) {
    if (!rule.grammar.empty() || !rule.schema.empty()) { return rule.grammar; }
    if (!rule.answers.empty()) { return one_of(rule.answers); }
    if (!rule.write) { return {}; }
    return rule.write->values.empty() ? number_grammar : one_of(std::views::keys(rule.write->values));
}

engine::Request question(const config::Rule& rule, const Values& values) {
    std::vector<wire::Message> messages;
    if (!rule.system.empty()) { messages.push_back({"system", fill(rule.system, values)}); }
    messages.push_back({"user", fill(rule.prompt, values)});
    engine::Request request;
    request.prompt = engine::Messages{.json = http::json(messages)};
    request.max_tokens = rule.max_tokens;
    request.sampling.temperature = 0;
    request.sampling.grammar = grammar_of(rule);
    request.sampling.schema = rule.schema;
    return request;
}

base::Result<std::uint64_t> written_value(const config::RuleWrite& write, const std::string& answer) {
    if (write.values.empty()) { return number_in(answer); }
    const auto known = write.values.find(answer);
    if (known != write.values.end()) { return static_cast<std::uint64_t>(known->second); }
    return base::failure("write the answer", answer, "it is none of those that have a value");
}

} // namespace vb::rules
