// What the worker answers: OpenAI's API over one engine, and the pages about the machine. It knows the engine only as a
// Backend, and never decides when the process ends. Belongs to the event loop's thread.
#pragma once

#include "base/log.h"
#include "http/backend.h"
#include "http/chat_completions.h"
#include "http/limits.h"
#include "http/mailbox.h"
#include "http/router.h"
#include "trace/timeline.h"

namespace vb::http {

class Api {
  public:
    // The arguments outlive it.
    Api(Mailbox& mailbox, Backend& backend, trace::Timeline& timeline, const base::Log& log,
        const Limits& limits = {});

    void handle(Exchange& exchange) { router_.route(exchange); }
    // Answers everything that is waiting or running with this error.
    void refuse_waiting(const ErrorReply& error) { completions_.refuse_all(error); }

  private:
    void serve_overview(Exchange& exchange);
    void serve_health(Exchange& exchange);
    void serve_models(Exchange& exchange);
    void serve_model(Exchange& exchange, std::string_view id);
    void serve_timeline(Exchange& exchange);

    Backend& backend_;
    trace::Timeline& timeline_;
    const base::Log& log_;
    const std::int64_t started_; // Unix time
    ChatCompletions completions_;
    Router router_;
};

} // namespace vb::http
