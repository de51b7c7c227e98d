// From chat messages to the prompt's text, by the model's own Jinja template.
#pragma once

#include "engine/error.h"

#include <memory>
#include <string>
#include <string_view>

namespace vb::engine {

// Texts of the model's special tokens that templates write.
struct SpecialTexts {
    std::string beginning; // bos_token
    std::string end;       // eos_token
};

class ChatTemplate {
  public:
    // What a model without a template gets: ChatML, which most chat models understand.
    static const std::string_view chatml;

    // An empty source means chatml. Fails when the source is not a template.
    static Result<ChatTemplate> parse(std::string_view source);

    // `messages` is a JSON array of {"role", "content"}, content a string, null or an array of text parts.
    Result<std::string> render(std::string_view messages, const SpecialTexts& special) const;

    ChatTemplate(ChatTemplate&&) noexcept;
    ChatTemplate& operator=(ChatTemplate&&) noexcept;
    ~ChatTemplate();

  private:
    struct Tree; // keeps the template engine's header, which is slow to compile, in one place
    explicit ChatTemplate(std::unique_ptr<Tree> tree);
    std::unique_ptr<Tree> tree_;
};

} // namespace vb::engine
