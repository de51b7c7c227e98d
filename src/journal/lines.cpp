#include "journal/lines.h"

#include "journal/plain_text.h"

#include <algorithm>
#include <utility>

namespace vb::journal {

namespace {

constexpr std::size_t prefix_bytes = 3; // "<6>"

// syslog(3)'s eight as the journal's five: what is worse than an error is an error.
constexpr Level syslog_levels[] = {Level::error,   Level::error,  Level::error, Level::error,
                                   Level::warning, Level::notice, Level::info,  Level::debug};

} // namespace

void Lines::drop_returned() noexcept {
    size_ -= returned_;
    std::copy_n(buffer_.data() + returned_, size_, buffer_.data());
    returned_ = 0;
}

void Lines::take(std::string_view& input) noexcept {
    const std::size_t room = std::min(input.size(), buffer_.size() - size_);
    const std::size_t length = std::min(input.substr(0, room).find('\n'), room);
    std::ranges::copy(input.substr(0, length), buffer_.data() + size_);
    size_ += length;
    input.remove_prefix(length);
}

void Lines::take_prefix() noexcept {
    if (had_prefix_ || size_ < prefix_bytes) { return; }
    had_prefix_ = true;
    if (buffer_[0] != '<' || buffer_[1] < '0' || buffer_[1] > '7' || buffer_[2] != '>') { return; }
    level_ = syslog_levels[buffer_[1] - '0'];
    size_ -= prefix_bytes;
    std::copy_n(buffer_.data() + prefix_bytes, size_, buffer_.data());
}

// A carriage return behind the longest text may yet be the end of the line.
bool Lines::is_too_long() const noexcept {
    return size_ > most_text_bytes + 1 || (size_ > most_text_bytes && buffer_[size_ - 1] != '\r');
}

Line Lines::finish_line() noexcept {
    const std::size_t length = size_ > 0 && buffer_[size_ - 1] == '\r' ? size_ - 1 : size_;
    make_plain({buffer_.data(), length});
    returned_ = size_;
    had_prefix_ = false;
    return {.level = std::exchange(level_, standard_), .text = {buffer_.data(), length}, .cut = false};
}

Line Lines::cut_line() noexcept {
    const std::size_t length = cut_length({buffer_.data(), size_}, most_text_bytes);
    make_plain({buffer_.data(), length});
    returned_ = length;
    return {.level = level_, .text = {buffer_.data(), length}, .cut = true};
}

std::optional<Line> Lines::next(std::string_view& input) noexcept {
    while (true) {
        drop_returned();
        take(input);
        take_prefix();
        if (is_too_long()) { return cut_line(); }
        if (input.empty()) { return std::nullopt; }
        if (input.front() != '\n') { continue; } // the prefix made room
        input.remove_prefix(1);
        const Line line = finish_line();
        if (!line.text.empty()) { return line; }
    }
}

std::optional<Line> Lines::flush() noexcept {
    drop_returned();
    if (is_too_long()) { return cut_line(); }
    const Line line = finish_line();
    return line.text.empty() ? std::nullopt : std::optional(line);
}

} // namespace vb::journal
