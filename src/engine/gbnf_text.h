// A cursor over the characters of a grammar in GBNF, and the one refusal that counts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace vb::engine {

class GbnfText {
  public:
    explicit GbnfText(std::string_view text) : text_(text) {}

    char now() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    char after() const { return at_ + 1 < text_.size() ? text_[at_ + 1] : '\0'; }
    static bool is_digit(char character) { return character >= '0' && character <= '9'; }
    static bool is_of_name(char character);

    void skip_space(bool over_lines); // and comments
    std::string_view read_name();     // empty: there is none
    // All of these are false where they refuse.
    bool check_encoding();
    bool read_character(std::uint32_t& code); // of a text or of characters in brackets

    std::string what_is_at(std::size_t at) const;
    bool refuse(std::size_t at, std::string_view what, std::string_view expected);
    bool refuse_here(std::string_view expected) { return refuse(at_, what_is_at(at_), expected); }

  protected:
    std::string_view text_;
    std::size_t at_ = 0;
    std::string refusal_;

  private:
    bool read_escape(std::uint32_t& code);
    bool read_hexadecimal(std::size_t digits, std::uint32_t& code);
};

} // namespace vb::engine
