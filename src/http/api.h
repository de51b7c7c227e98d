// What the worker answers: OpenAI's API over one engine, and the pages about the machine. It knows the engine only as a
// Backend, and never decides when the process ends. Belongs to the event loop's thread.
#pragma once

#include "http/answers.h"
#include "http/backend.h"
#include "http/embeddings.h"
#include "http/event_stream.h"
#include "http/health.h"
#include "http/limits.h"
#include "http/log_ring.h"
#include "http/machine_pages.h"
#include "http/mailbox.h"
#include "http/metrics.h"
#include "http/queue.h"
#include "http/router.h"
#include "trace/timeline.h"

namespace vb::http {

class Api {
  public:
    // What it tells of the process that it is in; null: nothing.
    struct Host {
        const LogRing* log_lines = nullptr;
        const ProcessStatistics* process = nullptr;
        std::uint32_t restarts = 0; // of this program, before this process
    };

    // The arguments outlive it.
    Api(EventLoop& loop, Mailbox& mailbox, Backend& backend, trace::Timeline& timeline, const Limits& limits,
        const Host& host);
    Api(EventLoop& loop, Mailbox& mailbox, Backend& backend, trace::Timeline& timeline,
        const Limits& limits = {})
        : Api(loop, mailbox, backend, timeline, limits, Host()) {}

    void handle(Exchange& exchange) { router_.route(exchange); }
    // Answers everything that is waiting or running with this error.
    void refuse_waiting(const ErrorReply& error);
    // The server stops: what is in flight is answered, and no more comes on those connections.
    void end_connections();
    // The server's: an exchange has ended.
    void count(const Exchange& exchange);
    const Queue& queue() const noexcept { return queue_; }
    Health& health() noexcept { return health_; }
    EventStream& events() noexcept { return events_; }

  private:
    void add_routes();
    void serve_chat_completions(Exchange& exchange);
    void serve_completions(Exchange& exchange);
    void serve_responses(Exchange& exchange);
    void serve_models(Exchange& exchange);
    void serve_model(Exchange& exchange, std::string_view id);
    Load load() const;

    Backend& backend_;
    const std::int64_t started_; // Unix time
    Metrics metrics_;
    Health health_;
    Queue queue_;
    EngineRequests requests_;
    Answers answers_;
    Embeddings embeddings_;
    EventStream events_;
    MachinePages pages_;
    Router router_;
};

} // namespace vb::http
