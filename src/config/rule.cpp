#include "config/rule.h"

#include "config/config.h"
#include "config/names.h"

#include <algorithm>

namespace vb::config {

namespace {

constexpr std::size_t most_rules = 64;
constexpr std::uint32_t most_tokens = 1U << 20;
constexpr std::uint32_t longest_time = 3'600'000; // milliseconds

using FoundFault = std::optional<KeyFault>;

// Whether all names in braces are known here.
bool is_template(std::string_view text, const Rule& rule, bool is_answered) noexcept {
    bool are_known = true;
    const bool is_whole = read_template(
        text, [](std::string_view) {},
        [&](std::string_view name) {
            are_known = are_known &&
                        (std::ranges::contains(prompt_names, name) || (is_answered && name == answer_name) ||
                         rule.values.contains(std::string(name)));
        });
    return is_whole && are_known;
}

bool is_aligned(std::uint64_t offset, RegisterType type) noexcept { return offset % size_of(type) == 0; }

FoundFault fault_of_event(const Rule& rule) noexcept {
    using enum RuleEvent;
    if (rule.device.empty() && rule.event != timer) {
        return KeyFault{"device", "the name of a [[device]], or event = \"timer\""};
    }
    if (rule.device.empty() && (rule.offset || !rule.values.empty())) {
        return KeyFault{"device", "the name of a [[device]] whose registers are read"};
    }
    if (rule.event == change && !rule.offset) {
        return KeyFault{"offset", "where the register is, such as 0x20; or another event than \"change\""};
    }
    if (rule.offset && (rule.event == edge || rule.event == input || rule.event == detached)) {
        return KeyFault{"offset", "left out: such an event has no register"};
    }
    if (rule.offset && !is_aligned(*rule.offset, rule.type)) {
        return KeyFault{"offset", "a multiple of the register's size"};
    }
    if (rule.acknowledge &&
        (rule.event != interrupt || !rule.offset || !is_aligned(*rule.acknowledge, rule.type))) {
        return KeyFault{"acknowledge", "the offset of a register, of an interrupt with an offset"};
    }
    if (rule.code && rule.event != input) { return KeyFault{"code", "left out, but for event = \"input\""}; }
    if (rule.period < 1 || rule.period > longest_time) {
        return KeyFault{"period", "a whole number of milliseconds from 1 to 3600000"};
    }
    if (has_condition(rule) && rule.event == timer && !rule.offset) {
        return KeyFault{"offset", "where the register is that is compared"};
    }
    return std::nullopt;
}

FoundFault fault_of_question(const Rule& rule) noexcept {
    for (const auto& [name, offset] : rule.values) {
        const bool is_taken = std::ranges::contains(prompt_names, name) || name == answer_name;
        if (!is_name(name) || is_taken || !is_aligned(offset, rule.type)) {
            return KeyFault{"values", "names and offsets of registers, such as { pressure = 0x24 }"};
        }
    }
    if (rule.prompt.empty() || !is_template(rule.prompt, rule, false)) {
        return KeyFault{"prompt",
                        "a text, in which {value}, {before}, {count}, {code}, {rule}, {device} and the names "
                        "of `values` are filled in; {{ is a brace"};
    }
    if (!is_template(rule.system, rule, false)) {
        return KeyFault{"system", "a text, in which {value} and the like are filled in; {{ is a brace"};
    }
    const bool has_answers = !rule.answers.empty() || (rule.write && !rule.write->values.empty());
    if (int{has_answers} + int{!rule.grammar.empty()} + int{!rule.schema.empty()} > 1) {
        return KeyFault{"answers", "the only one of answers (or write.values), grammar and schema"};
    }
    if (std::ranges::contains(rule.answers, std::string())) {
        return KeyFault{"answers", "a list of texts such as [\"yes\", \"no\"]"};
    }
    if (rule.max_tokens < 1 || rule.max_tokens > most_tokens) {
        return KeyFault{"max_tokens", "a whole number from 1 to 1048576"};
    }
    return std::nullopt;
}

FoundFault fault_of_write(const Rule& rule) noexcept {
    if (!rule.write) { return std::nullopt; }
    const RuleWrite& write = *rule.write;
    if (write.device.empty() && rule.device.empty()) {
        return KeyFault{"write", "a table with the device that is written to"};
    }
    if (write.offset && !is_aligned(*write.offset, write.type)) {
        return KeyFault{"write", "a table whose offset is a multiple of the register's size"};
    }
    const auto has_value = [&](const std::string& answer) { return write.values.contains(answer); };
    if (!write.values.empty() && !std::ranges::all_of(rule.answers, has_value)) {
        return KeyFault{"write", "a table with a value for each of `answers`"};
    }
    if (write.values.empty() && !rule.schema.empty()) {
        return KeyFault{"write", "left out where there is a schema: such an answer is no number"};
    }
    return std::nullopt;
}

FoundFault fault_of_action(const Rule& rule) noexcept {
    if (const FoundFault fault = fault_of_write(rule)) { return fault; }
    const auto is_argument = [&](const std::string& text) { return is_template(text, rule, true); };
    const bool is_program = rule.run.empty() || rule.run.front().starts_with('/');
    if (!is_program || !std::ranges::all_of(rule.run, is_argument)) {
        return KeyFault{"run", "a program and its arguments, such as [\"/usr/bin/logger\", \"{answer}\"]"};
    }
    if (rule.limit < 1 || rule.limit > 60'000) {
        return KeyFault{"limit", "a whole number of events a minute from 1 to 60000"};
    }
    if (rule.deadline < 1 || rule.deadline > longest_time) {
        return KeyFault{"deadline", "a whole number of milliseconds from 1 to 3600000"};
    }
    return std::nullopt;
}

// What the devices must be for the rule.
FoundFault fault_of_devices(const Rule& rule, std::span<const Device> devices) noexcept {
    const auto find = [&](const std::string& name) {
        const auto found = std::ranges::find(devices, name, &Device::name);
        return found == devices.end() ? nullptr : &*found;
    };
    if (!rule.device.empty() && find(rule.device) == nullptr) {
        return KeyFault{"device", "the name of a [[device]]"};
    }
    if (!rule.write) { return std::nullopt; }
    if (find(rule.written_device()) == nullptr) {
        return KeyFault{"write", "a table whose device is the name of a [[device]]"};
    }
    return std::nullopt;
}

RuleFault at(std::size_t index, const KeyFault& fault) noexcept {
    return {.index = index, .key = fault.key, .expected = fault.expected};
}

} // namespace

std::size_t size_of(RegisterType type) noexcept {
    return std::size_t{1} << (static_cast<unsigned>(type) % 4);
}

bool is_signed(RegisterType type) noexcept { return type >= RegisterType::i8; }

bool has_condition(const Rule& rule) noexcept { return rule.above || rule.below || rule.equal; }

std::optional<RuleFault> find_fault(const Rule& rule) noexcept {
    if (!is_name(rule.name)) { return at(0, {"name", "1 to 31 letters, digits, \"-\" or \"_\""}); }
    for (const auto find : {fault_of_event, fault_of_question, fault_of_action}) {
        if (const FoundFault fault = find(rule)) { return at(0, *fault); }
    }
    return std::nullopt;
}

std::optional<RuleFault> find_fault(std::span<const Rule> rules, std::span<const Device> devices) noexcept {
    if (rules.size() > most_rules) { return at(most_rules, {"name", "at most 64 rules"}); }
    for (std::size_t index = 0; index < rules.size(); ++index) {
        if (auto fault = find_fault(rules[index])) {
            fault->index = index;
            return fault;
        }
        const auto first = std::ranges::find(rules, rules[index].name, &Rule::name);
        if (first != rules.begin() + static_cast<std::ptrdiff_t>(index)) {
            return at(index, {"name", "a name that no other rule has"});
        }
        if (const FoundFault fault = fault_of_devices(rules[index], devices)) { return at(index, *fault); }
    }
    return std::nullopt;
}

} // namespace vb::config
