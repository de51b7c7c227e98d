// From chat messages to the prompt's text, by the model's own Jinja template.
#pragma once

#include "engine/engine.h"
#include "engine/error.h"
#include "engine/tool_format.h"

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

    // The prompt of a conversation, whose messages and tools are checked first. With Messages::tool_choice none the
    // template hears of no tools.
    Result<std::string> render(const Messages& messages, const SpecialTexts& special) const;
    // How the model writes calls of tools.
    const ToolFormat& tool_format() const noexcept;

    ChatTemplate(ChatTemplate&&) noexcept;
    ChatTemplate& operator=(ChatTemplate&&) noexcept;
    ~ChatTemplate();

  private:
    struct Tree; // keeps the template engine's header, which is slow to compile, in one place
    explicit ChatTemplate(std::unique_ptr<Tree> tree);
    std::unique_ptr<Tree> tree_;
};

} // namespace vb::engine
