#include "journal/plain_text.h"

#include <algorithm>
#include <cstdint>

namespace vb::journal {

namespace {

constexpr std::size_t longest_character = 4;

bool is_continuation(char byte) noexcept { return (static_cast<unsigned char>(byte) & 0xc0U) == 0x80; }

// How many bytes the character that begins with `byte` has; 0: none begins so.
std::size_t announced_length(unsigned char byte) noexcept {
    if (byte < 0x80) { return 1; }
    if (byte < 0xc2) { return 0; } // a continuation, or a longer form of an ASCII character
    if (byte < 0xe0) { return 2; }
    if (byte < 0xf0) { return 3; }
    return byte < 0xf5 ? 4 : 0;
}

bool may_stay(std::uint32_t character) noexcept {
    if (character < 0x20) { return character == '\t'; }
    if (character < 0xa0) { return character < 0x7f; }
    if (character >= 0x2028 && character <= 0x202e) { return false; } // separators, embeddings, overrides
    return character < 0x2066 || character > 0x2069;                  // isolates
}

struct Character {
    std::size_t length = 1;
    bool plain = false;
};

// The character at the start of `text`, which is not empty.
Character first_character(std::string_view text) noexcept {
    const auto lead = static_cast<unsigned char>(text.front());
    const std::size_t length = announced_length(lead);
    if (length == 1) { return {.length = 1, .plain = may_stay(lead)}; }
    if (length == 0 || length > text.size()) { return {}; }
    std::uint32_t value = lead & (0x7fU >> length);
    for (const char byte : text.substr(1, length - 1)) {
        if (!is_continuation(byte)) { return {}; }
        value = (value << 6U) | (static_cast<unsigned char>(byte) & 0x3fU);
    }
    const bool too_long = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
    if (too_long || (value >= 0xd800 && value < 0xe000) || value > 0x10ffff) { return {}; }
    return {.length = length, .plain = may_stay(value)};
}

// Where the first character is that may not stay, or the end.
std::size_t plain_prefix(std::string_view text) noexcept {
    std::size_t at = 0;
    while (at < text.size()) {
        if (text[at] >= ' ' && text[at] < 0x7f) { // nearly all of nearly every line
            ++at;
            continue;
        }
        const Character character = first_character(text.substr(at));
        if (!character.plain) { break; }
        at += character.length;
    }
    return at;
}

} // namespace

bool is_plain(std::string_view text) noexcept { return plain_prefix(text) == text.size(); }

void make_plain(std::span<char> text) noexcept {
    std::string_view rest(text.data(), text.size());
    for (std::size_t at = plain_prefix(rest); at < rest.size(); at = plain_prefix(rest)) {
        const std::size_t length = first_character(rest.substr(at)).length;
        std::ranges::fill(text.subspan(at, length), '?');
        text = text.subspan(at + length);
        rest = rest.substr(at + length);
    }
}

std::size_t cut_length(std::string_view text, std::size_t most) noexcept {
    if (text.size() <= most) { return text.size(); }
    for (std::size_t back = 0; back < std::min(longest_character, most); ++back) {
        const std::size_t at = most - back;
        if (!is_continuation(text[at])) { return at; } // what begins here is left for the next piece
    }
    return most; // not UTF-8: anywhere is as good
}

} // namespace vb::journal
