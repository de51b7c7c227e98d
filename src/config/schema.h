// What each key of config.toml may hold, in the words of the error messages, and the checks that types alone
// cannot make.
#pragma once

#include "config/config.h"

#include <optional>
#include <string_view>

namespace vb::config {

struct Key {
    std::string_view section;
    std::string_view name;
    std::string_view expected;
};

// Nothing where there is no such key.
const Key* find_key(std::string_view section, std::string_view name) noexcept;

// The keys of a section, or the sections if there is no such section, as a list for people.
base::Text<511> list_keys(std::string_view section) noexcept;
base::Text<255> list_sections() noexcept;
bool is_section(std::string_view section) noexcept;

// The first key whose value has the right type but may not be used.
struct Invalid {
    std::string_view section;
    std::string_view name;
    base::Text<255> expected;
    std::size_t index = 0; // of the table, where a section may come several times
};
std::optional<Invalid> find_invalid(const Config& config) noexcept;

} // namespace vb::config
