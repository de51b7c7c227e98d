// Enumerators by name, for words that do not come through TOML.
#pragma once

#include <cstddef>
#include <string_view>

namespace vb::config {

inline constexpr std::string_view handoff_mode_names[] = {"worker", "exec"};

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

} // namespace vb::config
