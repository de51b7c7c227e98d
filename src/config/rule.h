// [[on]] of config.toml: something that happens at a device, what the model is asked then, and what its answer does.
// The keys are those of the file; docs/rules.md explains them.
#pragma once

#include "base/text.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vb::config {

struct Device;

enum class RuleEvent : std::uint8_t { change, interrupt, timer, edge, input, attached, detached };
enum class RegisterType : std::uint8_t { u8, u16, u32, u64, i8, i16, i32, i64 };

std::size_t size_of(RegisterType type) noexcept; // bytes
bool is_signed(RegisterType type) noexcept;

// A register, or a GPIO line, that takes the answer.
struct RuleWrite {
    std::string device; // empty: the rule's own
    std::uint32_t region = 0;
    std::optional<std::uint64_t> offset; // of a register
    RegisterType type = RegisterType::u32;
    std::map<std::string, std::int64_t> values; // answer -> what is written; empty: the answer is a number
    bool operator==(const RuleWrite&) const = default;
};

struct Rule {
    std::string name;
    std::string device; // of [[device]]; a timer needs none
    RuleEvent event = RuleEvent::change;
    std::uint32_t region = 0;
    std::optional<std::uint64_t> offset; // the register whose value it is about
    RegisterType type = RegisterType::u32;
    std::uint64_t mask = ~std::uint64_t{0}; // the bits of it that matter
    std::map<std::string, std::uint64_t>
        values;                               // more registers of the device for the prompt: name -> offset
    std::optional<std::uint64_t> acknowledge; // interrupt: where the value that was read is written back
    std::optional<std::uint32_t> code;        // input: the key or switch; else any
    std::uint32_t period = 100;               // milliseconds; change and timer
    std::optional<std::int64_t> above;
    std::optional<std::int64_t> below;
    std::optional<std::int64_t> equal;
    std::string system; // the conversation's first message; empty: none
    std::string prompt;
    std::vector<std::string> answers; // the model says one of these
    std::string grammar;              // GBNF, in their place
    std::string schema;               // JSON schema, in their place
    std::uint32_t max_tokens = 64;
    std::optional<RuleWrite> write;
    std::vector<std::string> run;    // program and arguments
    bool publish = true;             // on the event stream
    std::uint32_t limit = 60;        // events a minute that the model is asked about
    std::uint32_t deadline = 10'000; // milliseconds from the event to the answer
    bool operator==(const Rule&) const = default;

    // Where there is `write`.
    const std::string& written_device() const noexcept {
        return write->device.empty() ? device : write->device;
    }
};

bool has_condition(const Rule& rule) noexcept; // above, below or equal

// What stands in braces in the texts of a rule, besides the names of its `values`.
inline constexpr std::string_view prompt_names[] = {"rule", "device", "value", "before", "count", "code"};
inline constexpr std::string_view answer_name = "answer"; // in `run`

// "The boiler is at {value}." in pieces, in order: calls literal(text) and name(text). "{{" and "}}" are braces. False
// where a brace has no other.
template <class Literal, class Name>
bool read_template(std::string_view text, Literal literal, Name name) {
    while (!text.empty()) {
        const std::size_t brace = std::min(text.find_first_of("{}"), text.size());
        literal(text.substr(0, brace));
        text.remove_prefix(brace);
        if (text.empty()) { break; }
        if (text.size() > 1 && text[0] == text[1]) {
            literal(text.substr(0, 1));
            text.remove_prefix(2);
            continue;
        }
        const std::size_t end = text.find('}');
        if (text.front() == '}' || end == std::string_view::npos) { return false; }
        name(text.substr(1, end - 1));
        text.remove_prefix(end + 1);
    }
    return true;
}

// What is wrong with the first faulty rule. `devices` are those of the configuration.
struct RuleFault {
    std::size_t index; // of the rule
    const char* key;
    base::Text<255> expected;
};
std::optional<RuleFault> find_fault(std::span<const Rule> rules, std::span<const Device> devices) noexcept;
// The same of a rule by itself, without a look at the devices.
std::optional<RuleFault> find_fault(const Rule& rule) noexcept;

} // namespace vb::config
