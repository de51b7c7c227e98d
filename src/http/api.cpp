#include "http/api.h"

#include "http/openai.h"

#include <algorithm>
#include <ctime>
#include <format>

namespace vb::http {

namespace {

constexpr char json_type[] = "application/json";
constexpr std::string_view overview = R"(vector_boot: a language model behind OpenAI's API

POST /v1/chat/completions  chat, streamed or whole
GET  /v1/models            the model that is served
GET  /health               200 when the model answers, by proof; 503 while it loads or is stuck
GET  /live                 200 as long as the process answers
GET  /metrics              numbers for Prometheus
GET  /status               what is going on now, as JSON
GET  /logs                 the last lines of the log, as JSON; ?after=N: those after line N
GET  /timeline             the boot, as Chrome trace JSON; ?format=table or ?format=svg

A browser sees a page here: chat, status, the boot, the log.
)";

} // namespace

Api::Api(EventLoop& loop, Mailbox& mailbox, Backend& backend, trace::Timeline& timeline, const base::Log& log,
         const Limits& limits, const Host& host)
    : backend_(backend), log_(log), started_(std::time(nullptr)), health_(loop, mailbox, backend),
      completions_(backend, mailbox, timeline, metrics_, limits.completions),
      pages_({.backend = backend,
              .timeline = timeline,
              .metrics = metrics_,
              .health = health_,
              .load = [this] { return load(); },
              .overview = overview,
              .log_lines = host.log_lines,
              .restarts = host.restarts}) {
    using enum Method;
    pages_.add_to(router_);
    router_.add(post, "/v1/chat/completions", [this](Exchange& exchange) { completions_.start(exchange); });
    router_.add(get, "/v1/models", [this](Exchange& exchange) { serve_models(exchange); });
    router_.add_folder(get, "/v1/models/",
                       [this](Exchange& exchange, std::string_view id) { serve_model(exchange, id); });
}

void Api::serve_models(Exchange& exchange) {
    exchange.reply(200, json_type, model_list_json(backend_.model_name(), started_));
}

void Api::serve_model(Exchange& exchange, std::string_view id) {
    if (id != backend_.model_name()) {
        ErrorReply error = not_found(std::format("there is no model '{}'", id));
        error.param = "model";
        error.code = "model_not_found";
        return reply_error(exchange, error);
    }
    exchange.reply(200, json_type, model_json(id, started_));
}

Load Api::load() const {
    const std::size_t all = completions_.size();
    const std::size_t running =
        backend_.state() == engine::State::ready ? std::min(all, backend_.parallel()) : 0;
    return {.running = running, .waiting = all - running};
}

void Api::count(const Exchange& exchange) {
    if (exchange.status() == 0) { return; } // the client left before there was a reply
    metrics_.request_ended(router_.route_of(exchange.path()), exchange.status(),
                           base::monotonic_now() - exchange.begun());
}

} // namespace vb::http
