// Text of others on its way into JSON.
#pragma once

#include "base/text.h"
#include "base/utf8.h"

namespace vb::control {

// As much as fits, with a question mark for each byte that is not UTF-8 and a space for each control character.
template <std::size_t Capacity>
base::Text<Capacity> valid_text(std::string_view text) noexcept {
    base::Text<Capacity> valid;
    while (!text.empty()) {
        const std::size_t length = base::utf8_length(text);
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
