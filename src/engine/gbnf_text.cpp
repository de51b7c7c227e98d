#include "engine/gbnf_text.h"

#include <algorithm>

namespace vb::engine {
namespace {

// The bytes of the character at the beginning of `text`; 0 where that is no UTF-8.
std::size_t character_size(std::string_view text) {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const std::size_t size = byte(0) < 0x80   ? 1
                             : byte(0) < 0xC2 ? 0
                             : byte(0) < 0xE0 ? 2
                             : byte(0) < 0xF0 ? 3
                             : byte(0) < 0xF5 ? 4
                                              : 0;
    if (size == 0 || size > text.size()) { return 0; }
    for (std::size_t at = 1; at < size; ++at) {
        if ((byte(at) & 0xC0U) != 0x80) { return 0; }
    }
    return size;
}

} // namespace

bool GbnfText::is_of_name(char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           character == '-' || is_digit(character);
}

bool GbnfText::check_encoding() {
    for (std::size_t at = 0; at < text_.size();) {
        const std::size_t size = text_[at] == '\0' ? 0 : character_size(text_.substr(at));
        if (size == 0) { return refuse(at, "a byte that is no character", "UTF-8 without NUL"); }
        at += size;
    }
    return true;
}

bool GbnfText::refuse(std::size_t at, std::string_view what, std::string_view expected) {
    std::size_t line = 1;
    std::size_t column = 1;
    for (const char character : text_.substr(0, at)) {
        if (character == '\n') {
            ++line;
            column = 1;
        } else if ((static_cast<unsigned char>(character) & 0xC0U) != 0x80) {
            ++column;
        }
    }
    refusal_ = "line " + std::to_string(line) + ", column " + std::to_string(column) + ": ";
    refusal_.append(what).append(", expected ").append(expected);
    return false;
}

std::string GbnfText::what_is_at(std::size_t at) const {
    if (at >= text_.size()) { return "found the end"; }
    if (text_[at] == '\n' || text_[at] == '\r') { return "found the end of the line"; }
    constexpr std::size_t enough = 20;
    std::string found = "found \"";
    for (const char character : text_.substr(at, enough)) {
        if (character == '\n' || character == '\r') { break; }
        found += character < 0x20 || character > 0x7e ? '?' : character;
    }
    return found + '"';
}

void GbnfText::skip_space(bool over_lines) {
    while (at_ < text_.size()) {
        const char character = text_[at_];
        if (character == '#') {
            at_ = std::min(text_.find_first_of("\r\n", at_), text_.size());
        } else if (character == ' ' || character == '\t' ||
                   (over_lines && (character == '\r' || character == '\n'))) {
            ++at_;
        } else {
            return;
        }
    }
}

std::string_view GbnfText::read_name() {
    const std::size_t begin = at_;
    while (is_of_name(now())) {
        ++at_;
    }
    return text_.substr(begin, at_ - begin);
}

bool GbnfText::read_character(std::uint32_t& code) {
    if (now() == '\\') { return read_escape(code); }
    const std::size_t size = character_size(text_.substr(at_));
    code = static_cast<unsigned char>(text_[at_]);
    if (size > 1) { code &= 0x7FU >> size; }
    for (std::size_t next = 1; next < size; ++next) {
        code = (code << 6U) + (static_cast<unsigned char>(text_[at_ + next]) & 0x3FU);
    }
    at_ += size;
    return true;
}

bool GbnfText::read_escape(std::uint32_t& code) {
    constexpr std::string_view same = "\\\"[]";
    const char kind = after();
    switch (kind) {
    case 'x':
        return read_hexadecimal(2, code);
    case 'u':
        return read_hexadecimal(4, code);
    case 'U':
        return read_hexadecimal(8, code);
    case 't':
        code = '\t';
        break;
    case 'r':
        code = '\r';
        break;
    case 'n':
        code = '\n';
        break;
    default:
        if (kind == '\0' || !same.contains(kind)) {
            return refuse_here(R"(one of \x \u \U \t \r \n \\ \" \[ \])");
        }
        code = static_cast<unsigned char>(kind);
    }
    at_ += 2;
    return true;
}

bool GbnfText::read_hexadecimal(std::size_t digits, std::uint32_t& code) {
    const std::string expected = std::to_string(digits) + " hexadecimal digits after \"\\" + after() + '"';
    const std::string_view text = text_.substr(at_ + 2).substr(0, digits);
    const auto is_one = [](char character) {
        return std::string_view("0123456789abcdefABCDEF").contains(character);
    };
    if (text.size() < digits || !std::ranges::all_of(text, is_one)) { return refuse_here(expected); }
    code = static_cast<std::uint32_t>(std::stoul(std::string(text), nullptr, 16));
    if (code > 0x10FFFF) { return refuse_here("a character of Unicode, at most \\U0010FFFF"); }
    at_ += 2 + digits;
    return true;
}

} // namespace vb::engine
