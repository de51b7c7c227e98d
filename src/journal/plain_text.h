// Makes the bytes of others harmless to keep and to show. Plain text is UTF-8 without control characters (but
// tabs), line separators and what turns the direction of writing around, so it is one line on any terminal.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace vb::journal {

bool is_plain(std::string_view text) noexcept;
// Each byte that may not stay becomes '?': the length is the same.
void make_plain(std::span<char> text) noexcept;
// The largest length up to `most` at which `text` can be cut without parting the bytes of a character.
std::size_t cut_length(std::string_view text, std::size_t most) noexcept;

} // namespace vb::journal
