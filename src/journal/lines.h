// Splits what a service writes to its standard output or error into lines for the journal. Bounded memory, no
// allocation. A line longer than a record becomes several, all but the last marked as cut. Lines come out
// plain (plain_text.h); empty ones do not come out. The level is the prefix "<N>" of sd-daemon(3), if any.
#pragma once

#include "journal/record.h"

namespace vb::journal {

struct Line {
    Level level;
    std::string_view text;
    bool cut; // the line goes on in the next one
};

class Lines {
  public:
    // `standard`: the level of lines without a prefix.
    explicit Lines(Level standard = Level::info) noexcept : standard_(standard), level_(standard) {}

    // Takes bytes from the front of `input` until a line is complete, and returns it; nothing when `input` is
    // used up. The text is valid until the next call.
    std::optional<Line> next(std::string_view& input) noexcept;
    // At the end of the stream: what has no newline. Call it until it returns nothing.
    std::optional<Line> flush() noexcept;

  private:
    void drop_returned() noexcept;
    void take(std::string_view& input) noexcept;
    void take_prefix() noexcept;
    bool is_too_long() const noexcept;
    Line finish_line() noexcept;
    Line cut_line() noexcept;

    Level standard_;
    Level level_;
    bool had_prefix_ = false;  // or could no longer have one
    std::size_t size_ = 0;     // of what buffer_ holds
    std::size_t returned_ = 0; // of that: what the last call returned
    std::array<char, most_text_bytes + 4>
        buffer_{}; // besides the text: "<N>", and a byte that shows it goes on
};

} // namespace vb::journal
