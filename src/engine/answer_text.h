// Turns the bytes of tokens into text that can be shown: whole, valid UTF-8 characters, cut before the first
// stop string. What may yet become a character or a stop string is held back.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace vb::engine {

class AnswerText {
  public:
    // Empty stop strings are ignored.
    explicit AnswerText(std::vector<std::string> stop);

    // Adds a token's bytes and returns the text that can go out now, perhaps none. After stopped(), always
    // none.
    std::string add(std::string_view bytes);
    // At the end of the answer: what was held back. Bytes that are no character become U+FFFD.
    std::string finish();
    bool stopped() const { return stopped_; }

  private:
    std::string release();

    std::vector<std::string> stop_;
    std::string bytes_; // the beginning of a character
    std::string text_;  // valid UTF-8, not yet handed out
    bool stopped_ = false;
};

} // namespace vb::engine
