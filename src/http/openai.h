// The shapes of OpenAI's API: requests read, replies written. Text in, text out; no sockets, no engine calls.
#pragma once

#include "engine/engine.h"
#include "http/error_reply.h"

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace vb::http {

struct ChatRequest {
    engine::Request engine;
    bool stream = false;
    bool include_usage = false; // of a stream
};

// Unknown fields are ignored; a field of the wrong type or out of range is refused by name.
std::expected<ChatRequest, ErrorReply> parse_chat_request(const std::string& body);

// What every part of one reply repeats.
struct ReplyHead {
    std::string id;
    std::int64_t created = 0; // Unix time
    std::string model;
};

// Each returns one JSON document.
std::string completion_json(const ReplyHead& head, std::string_view text, const engine::Outcome& outcome);
std::string status_json(std::string_view status);
std::string model_json(std::string_view id, std::int64_t created);
std::string model_list_json(std::string_view id, std::int64_t created);

// The events of a streamed completion, in their order, each framed for server-sent events.
class ChatStream {
  public:
    ChatStream(ReplyHead head, bool include_usage) : head_(std::move(head)), include_usage_(include_usage) {}

    std::string role() const;
    std::string content(std::string_view text) const;
    // The reason, the usage if it was asked for, and the end mark.
    std::string end(const engine::Outcome& outcome) const;
    // Instead of end().
    static std::string error(const ErrorReply& error);

  private:
    ReplyHead head_;
    bool include_usage_;
};

} // namespace vb::http
