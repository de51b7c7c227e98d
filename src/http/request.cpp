#include "http/request.h"

#include "base/text.h"

#include <algorithm>
#include <glaze/util/parse.hpp>

namespace vb::http {

namespace {

char lower(char letter) noexcept {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

std::optional<unsigned int> hexadecimal(char digit) noexcept {
    if (digit >= '0' && digit <= '9') { return static_cast<unsigned int>(digit - '0'); }
    const char letter = lower(digit);
    if (letter >= 'a' && letter <= 'f') { return static_cast<unsigned int>(letter - 'a') + 10; }
    return std::nullopt;
}

bool is_control(char letter) noexcept {
    const auto byte = static_cast<unsigned char>(letter);
    return byte < 0x20 || byte == 0x7F;
}

// Nothing where an escape is malformed.
std::optional<std::string> percent_decoded(std::string_view text) {
    std::string plain;
    plain.reserve(text.size());
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '%') {
            plain += text[at];
            continue;
        }
        if (text.size() - at < 3) { return std::nullopt; }
        const auto high = hexadecimal(text[at + 1]);
        const auto low = hexadecimal(text[at + 2]);
        if (!high || !low) { return std::nullopt; }
        plain += static_cast<char>(*high * 16 + *low);
        at += 2;
    }
    return plain;
}

// Error messages and logs repeat it.
bool is_plain(std::string_view text) {
    return std::ranges::none_of(text, is_control) && glz::validate_utf8(text.data(), text.size());
}

// Of an absolute form, what comes after the authority.
std::string_view without_authority(std::string_view target) noexcept {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!equal_ignoring_case(target.substr(0, scheme.size()), scheme)) { continue; }
        const std::size_t end = target.find_first_of("/?", scheme.size());
        return end == std::string_view::npos ? "/" : target.substr(end);
    }
    return target;
}

} // namespace

bool equal_ignoring_case(std::string_view one, std::string_view other) noexcept {
    return std::ranges::equal(one, other, {}, lower, lower);
}

const std::string* Request::header(std::string_view name) const noexcept {
    const auto found = std::ranges::find_if(
        headers, [name](const Header& header) { return equal_ignoring_case(header.name, name); });
    return found == headers.end() ? nullptr : &found->value;
}

bool Request::split_target() {
    std::string_view rest = without_authority(target);
    const bool is_asterisk = method == Method::options && rest == "*";
    if (!is_asterisk && !rest.starts_with('/') && !rest.starts_with('?')) { return false; }
    const std::string_view raw_path = base::take_until(rest, '?');
    auto decoded = percent_decoded(raw_path.empty() ? "/" : raw_path);
    const auto words = percent_decoded(rest);
    if (!decoded || !is_plain(*decoded) || !words || !is_plain(*words)) { return false; }
    path = std::move(*decoded);
    query_text = rest;
    return true;
}

std::optional<std::string> Request::query(std::string_view name) const {
    for (std::string_view rest = query_text; !rest.empty();) {
        std::string_view value = base::take_until(rest, '&');
        std::string word(base::take_until(value, '='));
        std::ranges::replace(word, '+', ' ');
        if (percent_decoded(word) != name) { continue; }
        std::string text(value);
        std::ranges::replace(text, '+', ' ');
        return percent_decoded(text);
    }
    return std::nullopt;
}

} // namespace vb::http
