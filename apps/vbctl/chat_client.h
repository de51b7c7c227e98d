// What vbctl chat asks: streamed chat completions of an OpenAI-compatible server, by libevent, which waits for the
// network, the terminal and Ctrl-C at once.
// It keeps no conversation and prints nothing. TLS is not here: vbctl stays a program that starts in a millisecond.
#pragma once

#include "vbctl/failure.h"

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct event;
struct event_base;
struct timeval;

namespace vb::vbctl {

struct ChatMessage {
    std::string role;
    std::string content;
};

struct ChatFailure {
    ExitStatus status = failed;
    std::string text; // what failed, and what to do about it
};
template <class Value>
using ChatResult = std::expected<Value, ChatFailure>;

int fail(const ChatFailure& failure);

// What ended a wait.
enum class Waited : std::uint8_t { done, interrupted };

struct ChatAddress {
    std::string host; // a name or a numeric address, without brackets
    std::uint16_t port = 0;
    std::string path; // before /v1
};
ChatResult<ChatAddress> parse_chat_address(const std::string& url);

class ChatClient {
  public:
    struct Listener {
        std::function<void(std::string_view)> piece; // of the answer, as it comes
        std::function<void()> waiting;               // the model is not up yet; called once at most
    };

    // From here on SIGINT ends a wait, and not the process.
    static ChatResult<ChatClient> create(ChatAddress address, std::string key);

    // Until the answer is whole. While the server says that it is not ready it is asked again.
    ChatResult<Waited> ask(std::span<const ChatMessage> conversation, const Listener& listener);

    // Until a terminal has something to read.
    ChatResult<Waited> wait_for(int terminal);

  private:
    struct FreeBase {
        void operator()(event_base* base) const noexcept;
    };
    struct FreeEvent {
        void operator()(event* watched) const noexcept;
    };

    ChatClient(ChatAddress address, std::string key) : address_(std::move(address)), key_(std::move(key)) {}
    ChatResult<Waited> run();
    ChatResult<Waited> wait_until(int fd, short what, const timeval* time);

    ChatAddress address_;
    std::string key_;
    std::unique_ptr<event_base, FreeBase> base_;
    std::unique_ptr<bool> interrupted_ = std::make_unique<bool>(false); // its address is libevent's argument
    std::unique_ptr<event, FreeEvent> interrupt_;
};

} // namespace vb::vbctl
