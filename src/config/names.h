// Settings by name, for words that do not come through TOML.
#pragma once

#include "base/error.h"
#include "config/config.h"

#include <cstddef>
#include <string_view>

namespace vb::config {

inline constexpr std::string_view handoff_mode_names[] = {"worker", "python", "exec"};
inline constexpr std::string_view break_names[] = {"never", "early", "runtime"};

template <class Enum, std::size_t Count>
bool parse_name(std::string_view text, const std::string_view (&names)[Count], Enum& value) noexcept {
    for (std::size_t index = 0; index < Count; ++index) {
        if (names[index] == text) {
            value = static_cast<Enum>(index);
            return true;
        }
    }
    return false;
}

// What services, devices and rules are called: letters, digits, "-" and "_".
inline bool has_name_characters(std::string_view text) noexcept {
    constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
}

// Such a name, of at most 31: it names a cgroup, and lines of the journal.
inline bool is_name(std::string_view text) noexcept { return text.size() <= 31 && has_name_characters(text); }

// What is wrong with a table: the key, and what it should be.
struct KeyFault {
    const char* key;
    const char* expected;
};

// The level that `text` names; nothing changes where it is empty. The error is `operation` on `object`.
inline base::Result<> apply_level(std::string_view text, const char* operation, std::string_view object,
                                  Config& config) noexcept {
    if (text.empty() || parse_name(text, base::level_names, config.log.level)) { return {}; }
    return base::failure(operation, object, "expected error, warning, notice, info or debug");
}

} // namespace vb::config
