#include "config/toml.h"

#include "base/utf8.h"
#include "config/rule_names.h"
#include "config/schema.h"

#include <algorithm>
#include <glaze/toml.hpp>

template <>
struct glz::meta<vb::config::HandoffMode> {
    using enum vb::config::HandoffMode;
    static constexpr auto value = enumerate(worker, python, exec);
};
template <>
struct glz::meta<vb::config::HandoffReady> {
    using enum vb::config::HandoffReady;
    static constexpr auto value = enumerate(engine, app);
};
template <>
struct glz::meta<vb::config::FailurePolicy> {
    using enum vb::config::FailurePolicy;
    static constexpr auto value = enumerate(restart, shell, reboot, poweroff, exit);
};
template <>
struct glz::meta<vb::config::CrashAction> {
    using enum vb::config::CrashAction;
    static constexpr auto value = enumerate(reboot, shell, freeze);
};
template <>
struct glz::meta<vb::config::Break> {
    using enum vb::config::Break;
    static constexpr auto value = enumerate(never, early, runtime);
};
template <>
struct glz::meta<vb::config::CtrlAltDel> {
    using enum vb::config::CtrlAltDel;
    static constexpr auto value = enumerate(reboot, poweroff, ignore);
};
template <>
struct glz::meta<vb::base::Level> {
    using enum vb::base::Level;
    static constexpr auto value = enumerate(error, warning, notice, info, debug);
};

template <>
struct glz::meta<vb::config::ServiceType> {
    using enum vb::config::ServiceType;
    static constexpr auto value = enumerate(daemon, oneshot);
};
template <>
struct glz::meta<vb::config::Readiness> {
    using enum vb::config::Readiness;
    static constexpr auto value = enumerate(none, notify, fd);
};
template <>
struct glz::meta<vb::config::Restart> {
    using enum vb::config::Restart;
    static constexpr auto value = enumerate(always, failure, never);
};

namespace vb::config {

namespace {

std::string_view line_at(std::string_view text, std::size_t number) noexcept {
    for (; number > 1; --number) {
        const std::size_t end = text.find('\n');
        if (end == std::string_view::npos) { return {}; }
        text.remove_prefix(end + 1);
    }
    return text.substr(0, text.find('\n'));
}

std::size_t count_lines(std::string_view text) noexcept {
    return 1 + static_cast<std::size_t>(std::ranges::count(text, '\n'));
}

// "engine" of "[engine] # words" and of "[[engine]]"; nothing of any other line.
std::string_view section_of(std::string_view line) noexcept {
    line = base::trimmed(line);
    if (!line.starts_with('[')) { return {}; }
    if (line.starts_with("[[")) { line.remove_prefix(1); }
    return base::trimmed(line.substr(1, line.find(']') - 1));
}

std::string_view key_of(std::string_view line) noexcept {
    const std::size_t equals = line.find('=');
    return equals == std::string_view::npos ? std::string_view{} : base::trimmed(line.substr(0, equals));
}

// The section that a line belongs to. Keys may also be written dotted, "engine.context = 1".
std::string_view enclosing_section(std::string_view text, std::size_t number) noexcept {
    for (; number > 0; --number) {
        const std::string_view section = section_of(line_at(text, number));
        if (!section.empty()) { return section; }
    }
    return {};
}

// The line where a key is set: in the plain form, or else as a dotted key or in an inline table, where a line
// with both names has to do; or the header of its table, where it is not set. 0 where there is none of these.
std::size_t find_line(std::string_view text, const Invalid& key) noexcept {
    std::size_t header = 0;
    std::size_t likely = 0;
    std::size_t tables = 0; // of this section, so far
    const std::size_t lines = count_lines(text);
    for (std::size_t number = 1; number <= lines; ++number) {
        const std::string_view line = line_at(text, number);
        if (section_of(line) == key.section && ++tables == key.index + 1) { header = number; }
        const bool is_in_table = tables == key.index + 1 && enclosing_section(text, number) == key.section;
        if (is_in_table && key_of(line) == key.name) { return number; }
        if (line.contains(key.section) && line.contains(key.name)) { likely = number; }
    }
    return likely > 0 ? likely : header;
}

base::Text<511> expectation(std::string_view text, std::size_t number) noexcept {
    base::Text<511> words;
    const std::string_view line = line_at(text, number);
    const std::string_view section = enclosing_section(text, number);
    const std::string_view name = key_of(line);
    if (section.empty()) {
        words << "expected a section first, one of " << list_sections().view();
    } else if (const Key* const key = find_key(section, name)) {
        words << "expected " << key->name << " in [" << key->section << "] to be " << key->expected;
    } else if (!name.empty() && is_section(section)) {
        words << "unknown key " << name << "; [" << section << "] has " << list_keys(section).view();
    } else if (!is_section(section)) {
        words << "unknown section [" << section << "]; expected one of " << list_sections().view();
    } else {
        words << "expected `key = value`";
    }
    return words;
}

void blank_line(std::string& text, std::size_t line) noexcept {
    const std::string_view found = line_at(text, line);
    if (found.data() == nullptr) { return; }
    const auto start = static_cast<std::size_t>(found.data() - text.data());
    std::fill_n(text.begin() + static_cast<std::ptrdiff_t>(start), found.size(), ' ');
}

TomlFault fault_at(std::string_view text, std::string_view path, std::size_t line,
                   std::string_view expected) noexcept {
    base::Error error{.operation = "read", .object = path, .number = 0, .detail = {}};
    error.detail << "line " << line << ": `" << base::trimmed(line_at(text, line)) << "`: " << expected;
    return {.line = line, .error = error};
}

} // namespace

std::expected<void, TomlFault> read_toml(std::string_view text, std::string_view path, Config& config) {
    // A file without a key is a good file; glaze calls it a missing document.
    if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) { return {}; }
    if (const std::size_t invalid = base::find_invalid_utf8(text); invalid != std::string_view::npos) {
        const std::size_t line = count_lines(text.substr(0, invalid));
        return std::unexpected(fault_at(text, path, line, "expected UTF-8"));
    }
    Config read = config;
    if (const glz::error_ctx fault = glz::read_toml(read, text)) {
        const std::size_t line = count_lines(text.substr(0, std::min(fault.count, text.size())));
        return std::unexpected(fault_at(text, path, line, expectation(text, line)));
    }
    if (const auto invalid = find_invalid(read)) {
        base::Text<511> expected;
        const std::size_t line = find_line(text, *invalid);
        if (line_at(text, line).contains(invalid->name)) {
            expected << "expected " << invalid->name << " in [" << invalid->section << "] to be ";
        } else {
            expected << "it needs " << invalid->name << " in [" << invalid->section << "]: ";
        }
        expected << invalid->expected.view();
        // Names written with escapes are not found, but some line is better to show than none.
        return std::unexpected(fault_at(text, path, std::max<std::size_t>(line, 1), expected));
    }
    config = std::move(read);
    return {};
}

void leave_out(std::string& text, std::size_t line) noexcept {
    if (enclosing_section(text, line) == "on") {
        while (section_of(line_at(text, line)).empty()) {
            --line;
        }
    }
    const bool is_table = line_at(text, line).starts_with("[[");
    blank_line(text, line);
    const std::size_t lines = count_lines(text);
    for (++line; is_table && line <= lines && section_of(line_at(text, line)).empty(); ++line) {
        blank_line(text, line);
    }
}

} // namespace vb::config
