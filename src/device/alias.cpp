#include "device/alias.h"

#include <algorithm>

namespace vb::device {

namespace {

constexpr char underscored(char character) noexcept { return character == '-' ? '_' : character; }

constexpr bool is_at_most(char low, char high) noexcept {
    return static_cast<unsigned char>(low) <= static_cast<unsigned char>(high);
}

struct Step {
    std::size_t length = 0; // of the element in the pattern
    bool fits = false;
};

// A character in [], which a backslash may stand before; none at the end of the pattern.
constexpr bool take_member(std::string_view pattern, std::size_t& index, char& member) noexcept {
    if (index < pattern.size() && pattern[index] == '\\') { ++index; }
    if (index >= pattern.size()) { return false; }
    member = pattern[index++];
    return true;
}

// Whether `character` is in the set at the beginning of `pattern`; length 0: its ] is missing.
Step match_set(std::string_view pattern, char character) noexcept {
    std::size_t index = 1;
    const bool negated = pattern.size() > 1 && (pattern[1] == '!' || pattern[1] == '^');
    if (negated) { ++index; }
    bool found = false;
    for (bool first = true;; first = false) {
        if (index >= pattern.size()) { return {}; }
        if (pattern[index] == ']' && !first) { return {.length = index + 1, .fits = found != negated}; }
        char low = 0;
        if (!take_member(pattern, index, low)) { return {}; }
        char high = low;
        const bool is_range =
            index + 1 < pattern.size() && pattern[index] == '-' && pattern[index + 1] != ']';
        if (is_range && !take_member(pattern, ++index, high)) { return {}; }
        found = found || (is_at_most(low, character) && is_at_most(character, high));
    }
}

// One element of the pattern other than * against one character.
Step match_one(std::string_view pattern, char character) noexcept {
    if (pattern[0] == '?') { return {.length = 1, .fits = true}; }
    if (pattern[0] == '[') {
        const Step step = match_set(pattern, character);
        if (step.length != 0) { return step; }
        return {.length = 1, .fits = character == '['};
    }
    if (pattern[0] == '\\') {
        // Nothing matches a pattern that ends within an escape.
        if (pattern.size() < 2) { return {.length = 1, .fits = false}; }
        return {.length = 2, .fits = underscored(pattern[1]) == character};
    }
    return {.length = 1, .fits = underscored(pattern[0]) == character};
}

} // namespace

bool is_alias(std::string_view text) noexcept {
    return !text.empty() && text.size() <= longest_alias &&
           std::ranges::all_of(text, [](char character) { return character > ' ' && character < '\x7f'; });
}

std::string with_underscores(std::string_view name) noexcept {
    std::string spelled(name);
    std::ranges::transform(spelled, spelled.begin(), underscored);
    return spelled;
}

bool matches(std::string_view pattern, std::string_view alias) noexcept {
    std::size_t in_pattern = 0;
    std::size_t in_alias = 0;
    // Where to go on when what follows the last * does not fit: it takes one character more. Going back to an
    // earlier * could find nothing that this one does not.
    std::size_t after_star = std::string_view::npos;
    std::size_t star_takes_to = 0;
    while (in_alias < alias.size()) {
        if (in_pattern < pattern.size() && pattern[in_pattern] == '*') {
            after_star = ++in_pattern;
            star_takes_to = in_alias;
            continue;
        }
        if (in_pattern < pattern.size()) {
            const Step step = match_one(pattern.substr(in_pattern), alias[in_alias]);
            if (step.fits) {
                in_pattern += step.length;
                ++in_alias;
                continue;
            }
        }
        if (after_star == std::string_view::npos) { return false; }
        in_pattern = after_star;
        in_alias = ++star_takes_to;
    }
    while (in_pattern < pattern.size() && pattern[in_pattern] == '*') {
        ++in_pattern;
    }
    return in_pattern == pattern.size();
}

std::string_view literal_prefix(std::string_view pattern) noexcept {
    return pattern.substr(0, pattern.find_first_of("*?[\\"));
}

} // namespace vb::device
