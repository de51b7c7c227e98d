// Bounded text for code that must not allocate: the words of log lines, errors and paths in PID 1.
// Appending past the capacity cuts the text and is remembered in truncated(); it never fails.
#pragma once

#include <algorithm>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <memory>
#include <string_view>

namespace vb::base {

template <std::size_t Capacity>
class Text {
  public:
    constexpr Text() noexcept = default;
    constexpr Text(std::string_view text) noexcept { append(text); } // NOLINT(google-explicit-constructor)
    constexpr Text(const char* text) noexcept { append(text); }      // NOLINT(google-explicit-constructor)

    constexpr Text& append(std::string_view text) noexcept {
        const std::size_t fits = std::min(text.size(), Capacity - size_);
        std::ranges::copy(text.substr(0, fits), data_ + size_);
        size_ += fits;
        data_[size_] = '\0';
        truncated_ = truncated_ || fits < text.size();
        return *this;
    }
    template <std::integral Number>
    Text& append(Number number, int base = 10) noexcept {
        char digits[72] = {};
        const auto end = std::to_chars(digits, digits + sizeof digits, number, base).ptr;
        return append(std::string_view(digits, static_cast<std::size_t>(end - digits)));
    }
    template <class Part>
    constexpr Text& operator<<(const Part& part) noexcept {
        return append(part);
    }

    constexpr void clear() noexcept { size_ = 0, data_[0] = '\0', truncated_ = false; }
    constexpr std::string_view view() const noexcept { return {data_, size_}; }
    constexpr const char* c_str() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr bool empty() const noexcept { return size_ == 0; }
    constexpr bool truncated() const noexcept { return truncated_; }
    constexpr operator std::string_view() const noexcept { return view(); } // NOLINT
    friend constexpr bool operator==(const Text& text, std::string_view other) noexcept {
        return text.view() == other;
    }

  private:
    std::size_t size_ = 0;
    bool truncated_ = false;
    char data_[Capacity + 1] = {};
};

// Takes what stands before the first `separator`, and the separator itself, from `rest`; all of it where there is
// none.
inline std::string_view take_until(std::string_view& rest, char separator) noexcept {
    const std::size_t end = rest.find(separator);
    const std::string_view taken = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    return taken;
}

// Without the white space at both ends.
inline std::string_view trimmed(std::string_view text) noexcept {
    constexpr std::string_view white = " \t\r\n";
    const std::size_t first = text.find_first_not_of(white);
    if (first == std::string_view::npos) { return {}; }
    return text.substr(first, text.find_last_not_of(white) - first + 1);
}

// The whole of `text` as a decimal number, or nothing usable: returns false and leaves `number` alone.
template <std::integral Number>
bool parse_number(std::string_view text, Number& number) noexcept {
    Number parsed{};
    const char* const end = std::to_address(text.end());
    const auto [stop, fault] = std::from_chars(std::to_address(text.begin()), end, parsed);
    if (fault != std::errc{} || stop != end || text.empty()) { return false; }
    number = parsed;
    return true;
}

} // namespace vb::base
