// Where the characters of a text end.
#pragma once

#include <cstddef>
#include <string_view>

namespace vb::base {

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

// Where the first byte is that is not UTF-8; npos: nowhere.
inline std::size_t find_invalid_utf8(std::string_view text) noexcept {
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = utf8_length(text.substr(at));
        if (length == 0) { return at; }
        at += length;
    }
    return std::string_view::npos;
}

} // namespace vb::base
