// /v1/embeddings: texts to vectors. Waits in the queue like any other request. Belongs to the event loop's thread.
#pragma once

#include "http/answer_request.h"
#include "http/exchange.h"
#include "http/mailbox.h"
#include "http/queue.h"

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace vb::http {

struct EmbeddingRequest {
    std::vector<engine::Prompt> inputs; // texts or tokens
    bool base64 = false;                // else numbers
    std::optional<std::uint32_t> dimensions;
};

// Unknown fields are ignored; a field of the wrong type or out of range is refused by name.
std::expected<EmbeddingRequest, ErrorReply> parse_embedding_request(std::string_view body);

class Embeddings {
  public:
    // The arguments outlive it, and it outlives what the engine still has to say.
    Embeddings(Queue& queue, Backend& backend, Mailbox& mailbox);
    ~Embeddings();

    void start(Exchange& exchange);
    // Ends all of them with this error.
    void refuse_all(const ErrorReply& error);
    // Their replies will be the last on their connections.
    void end_connections();

  private:
    using Key = std::uint64_t;
    struct Running;

    void begin(Key key);
    // Nobody waits for it any more.
    void abandon(Key key);
    void finished(Key key, const engine::Result<engine::Embeddings>& embeddings);
    void fail(Key key, const ErrorReply& error);

    Queue& queue_;
    Backend& backend_;
    Mailbox& mailbox_;
    Key last_ = 0;
    std::unordered_map<Key, Running> running_;
};

} // namespace vb::http
