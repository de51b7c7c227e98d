// The names by which a device asks for its driver ("pci:v00008086d000010D3sv..."), and the patterns that drivers
// answer to. As depmod and modprobe have it: fnmatch(3) without flags, and '-' is the same as '_' outside of [].
#pragma once

#include <string>
#include <string_view>

namespace vb::device {

inline constexpr std::size_t longest_alias = 511;

// Printable ASCII without spaces, of a length that devices have.
bool is_alias(std::string_view text) noexcept;

// The one spelling of a module's name or a device's alias: with '_'.
std::string with_underscores(std::string_view name) noexcept;

// `alias` is spelled with_underscores(); `pattern` as it stands in modules.alias.
bool matches(std::string_view pattern, std::string_view alias) noexcept;

// The part of the pattern before what is not literal: every alias that matches begins with it, '-' as '_'.
std::string_view literal_prefix(std::string_view pattern) noexcept;

} // namespace vb::device
