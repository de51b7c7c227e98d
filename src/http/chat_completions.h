// The chat completions that are waiting for the engine or being answered by it: each joins one exchange to
// one ticket of the engine. Belongs to the event loop's thread; the engine's thread reaches it through the
// mailbox.
#pragma once

#include "http/backend.h"
#include "http/exchange.h"
#include "http/mailbox.h"
#include "http/metrics.h"
#include "http/openai.h"
#include "trace/timeline.h"

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

namespace vb::http {

class ChatCompletions {
  public:
    ChatCompletions(Backend& backend, Mailbox& mailbox, trace::Timeline& timeline, Metrics& metrics,
                    std::size_t most);
    ~ChatCompletions();

    // Answers the request of this exchange, now if it is refused, else when the engine has come to it.
    void start(Exchange& exchange);
    // Ends all of them with this error.
    void refuse_all(const ErrorReply& error);
    // Waiting or running.
    std::size_t size() const noexcept { return running_.size(); }

  private:
    using Number = std::uint64_t;
    struct Completion;
    class Forwarder;

    void text(Number number, std::string_view piece);
    void finished(Number number, const engine::Result<engine::Outcome>& outcome);
    void fail(Completion& completion, const ErrorReply& error);
    void mark_first_token();

    Backend& backend_;
    Mailbox& mailbox_;
    trace::Timeline& timeline_;
    Metrics& metrics_;
    const std::size_t most_;
    Number last_ = 0;
    bool first_token_marked_ = false;
    std::unordered_map<Number, Completion> running_;
};

} // namespace vb::http
