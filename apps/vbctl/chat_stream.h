// The events of a streamed chat completion, and the errors of OpenAI's API. Text in, text out.
#pragma once

#include "vbctl/chat_client.h"

#include <optional>

namespace vb::vbctl {

// A request's body.
std::string chat_body(std::span<const ChatMessage> conversation);

// The message of an error as OpenAI has it; nothing where the body is something else.
std::optional<std::string> error_message(std::string_view body);

class ChatStream {
  public:
    // Takes what came next; calls `piece` with the text in it.
    void take(std::string_view bytes, const std::function<void(std::string_view)>& piece);

    bool is_complete() const noexcept { return complete_; }
    // The server ended the stream with an error.
    const std::optional<std::string>& error() const noexcept { return error_; }

  private:
    void take_line(std::string_view line, const std::function<void(std::string_view)>& piece);

    std::string partial_; // the line that has no end yet
    bool complete_ = false;
    std::optional<std::string> error_;
};

} // namespace vb::vbctl
