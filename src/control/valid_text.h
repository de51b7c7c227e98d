// Text of others on its way into JSON.
#pragma once

#include "base/text.h"

namespace vb::control {

// The length of the UTF-8 sequence that `text` begins with; 0 where it begins with none (RFC 3629).
inline std::size_t utf8_length(std::string_view text) noexcept {
    const auto byte = [text](std::size_t index) {
        return index < text.size() ? static_cast<unsigned char>(text[index]) : 0U;
    };
    const auto continues = [&byte](std::size_t index, unsigned int least = 0x80, unsigned int most = 0xBF) {
        return byte(index) >= least && byte(index) <= most;
    };
    const unsigned int lead = byte(0);
    if (lead < 0x80) { return 1; }
    if (lead >= 0xC2 && lead <= 0xDF) { return continues(1) ? 2 : 0; }
    if (lead >= 0xE0 && lead <= 0xEF) { // no overlong forms, no surrogates
        const unsigned int least = lead == 0xE0 ? 0xA0 : 0x80;
        const unsigned int most = lead == 0xED ? 0x9F : 0xBF;
        return continues(1, least, most) && continues(2) ? 3 : 0;
    }
    if (lead >= 0xF0 && lead <= 0xF4) { // nothing above U+10FFFF
        const unsigned int least = lead == 0xF0 ? 0x90 : 0x80;
        const unsigned int most = lead == 0xF4 ? 0x8F : 0xBF;
        return continues(1, least, most) && continues(2) && continues(3) ? 4 : 0;
    }
    return 0;
}

// As much as fits, with a question mark for each byte that is not UTF-8 and a space for each control character.
template <std::size_t Capacity>
base::Text<Capacity> valid_text(std::string_view text) noexcept {
    base::Text<Capacity> valid;
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        const auto first = static_cast<unsigned char>(text.front());
        // C0, DEL and C1: a terminal may take the last for the beginning of an escape sequence.
        const bool control = first < 0x20 || first == 0x7F ||
                             (first == 0xC2 && length == 2 && static_cast<unsigned char>(text[1]) < 0xA0);
        const std::string_view part = length == 0 ? "?" : control ? " " : text.substr(0, length);
        if (valid.size() + part.size() > Capacity) { break; } // not half a character
        valid << part;
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return valid;
}

} // namespace vb::control
