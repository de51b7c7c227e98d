// vbctl chat: a conversation with the model in the terminal, or one answer in a pipe.
// What a model says is shown without the control characters that could make a terminal do something.
#pragma once

#include "vbctl/chat_client.h"

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace vb::vbctl {

class Chat {
  public:
    // Adds the command and its options.
    explicit Chat(CLI::App& app);

    // The exit status; an error has been said on standard error.
    int run();

  private:
    ChatResult<ChatClient> connect() const;
    int answer_once(ChatClient& client, std::string question);
    int converse(ChatClient& client);
    ChatResult<Waited> ask(ChatClient& client, std::string question);

    std::string url_;
    std::string key_file_;
    std::string system_;
    std::vector<std::string> words_;
    std::vector<ChatMessage> conversation_;
};

} // namespace vb::vbctl
