// What the worker answers: OpenAI's API over one engine, and the pages about the machine. It knows the engine only as a
// Backend, and never decides when the process ends. Belongs to the event loop's thread.
#pragma once

#include "base/log.h"
#include "http/answers.h"
#include "http/backend.h"
#include "http/embeddings.h"
#include "http/limits.h"
#include "http/mailbox.h"
#include "http/queue.h"
#include "http/router.h"
#include "trace/timeline.h"

namespace vb::http {

class Api {
  public:
    // The arguments outlive it.
    Api(EventLoop& loop, Mailbox& mailbox, Backend& backend, trace::Timeline& timeline, const base::Log& log,
        const Limits& limits = {});

    void handle(Exchange& exchange) { router_.route(exchange); }
    // Answers everything that is waiting or running with this error.
    void refuse_waiting(const ErrorReply& error);
    // The server stops: what is in flight is answered, and no more comes on those connections.
    void end_connections();
    const Queue& queue() const noexcept { return queue_; }

  private:
    void add_routes();
    void serve_chat_completions(Exchange& exchange);
    void serve_completions(Exchange& exchange);
    void serve_responses(Exchange& exchange);
    void serve_overview(Exchange& exchange);
    void serve_health(Exchange& exchange);
    void serve_models(Exchange& exchange);
    void serve_model(Exchange& exchange, std::string_view id);
    void serve_timeline(Exchange& exchange);

    Backend& backend_;
    trace::Timeline& timeline_;
    const base::Log& log_;
    const std::int64_t started_; // Unix time
    Queue queue_;
    EngineRequests requests_;
    Answers answers_;
    Embeddings embeddings_;
    Router router_;
};

} // namespace vb::http
