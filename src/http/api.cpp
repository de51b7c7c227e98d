#include "http/api.h"

#include "http/chat_shape.h"
#include "http/completion_shape.h"
#include "http/models.h"
#include "http/response_shape.h"
#include "http/tokens.h"

#include <ctime>
#include <format>

namespace vb::http {

namespace {

constexpr std::string_view overview = R"(vector_boot: a language model behind OpenAI's API

POST /v1/chat/completions  chat, streamed or whole
POST /v1/completions       a text gone on with
POST /v1/responses         OpenAI's newer shape of a chat
POST /v1/embeddings        texts to vectors
POST /tokenize             a text to tokens; POST /detokenize: back
GET  /v1/models            the model that is served
GET  /health               200 when the model answers, by proof; 503 while it loads or is stuck
GET  /live                 200 as long as the process answers
GET  /metrics              numbers for Prometheus
GET  /status               what is going on now, as JSON
GET  /logs                 the last lines of the log, as JSON; ?after=N: those after line N
GET  /events               what rules have seen and done, as server-sent events
GET  /timeline             the boot, as Chrome trace JSON; ?format=table or ?format=svg

A browser sees a page here: chat, status, the boot, the log.
)";

} // namespace

Api::Api(EventLoop& loop, Mailbox& mailbox, Backend& backend, trace::Timeline& timeline, const Limits& limits,
         const Host& host)
    : backend_(backend), started_(std::time(nullptr)), health_(loop, mailbox, backend),
      queue_(loop, backend, limits), requests_(queue_, backend, mailbox, limits),
      answers_(requests_, queue_, timeline, metrics_), embeddings_(queue_, backend, mailbox),
      pages_({.backend = backend,
              .timeline = timeline,
              .metrics = metrics_,
              .health = health_,
              .load = [this] { return load(); },
              .overview = overview,
              .log_lines = host.log_lines,
              .process = host.process,
              .restarts = host.restarts}) {
    add_routes();
}

void Api::add_routes() {
    using enum Method;
    const auto add = [this](Method method, const char* path, void (Api::*serve)(Exchange&)) {
        router_.add(method, path, [this, serve](Exchange& exchange) { (this->*serve)(exchange); });
    };
    pages_.add_to(router_);
    add(post, "/v1/chat/completions", &Api::serve_chat_completions);
    add(post, "/v1/completions", &Api::serve_completions);
    add(post, "/v1/responses", &Api::serve_responses);
    router_.add(post, "/v1/embeddings", [this](Exchange& exchange) { embeddings_.start(exchange); });
    router_.add(post, "/tokenize", [this](Exchange& exchange) { serve_tokenize(exchange, backend_); });
    router_.add(post, "/detokenize", [this](Exchange& exchange) { serve_detokenize(exchange, backend_); });
    router_.add(get, "/events", [this](Exchange& exchange) { events_.serve(exchange); });
    add(get, "/v1/models", &Api::serve_models);
    router_.add_folder(get, "/v1/models/",
                       [this](Exchange& exchange, std::string_view id) { serve_model(exchange, id); });
}

void Api::refuse_waiting(const ErrorReply& error) {
    answers_.refuse_all(error);
    embeddings_.refuse_all(error);
}

void Api::end_connections() {
    events_.end();
    answers_.end_connections();
    embeddings_.end_connections();
}

void Api::serve_chat_completions(Exchange& exchange) {
    auto request = parse_chat_request(exchange.body());
    if (!request) { return reply_error(exchange, request.error()); }
    auto shape = new_chat_shape(*request, backend_.model_name());
    AnswerRequest& common = *request; // the rest of it is in the shape
    answers_.start(exchange, std::move(common), std::move(shape));
}

void Api::serve_completions(Exchange& exchange) {
    auto request = parse_completion_request(exchange.body());
    if (!request) { return reply_error(exchange, request.error()); }
    auto shape = new_completion_shape(*request, backend_);
    AnswerRequest& common = *request; // the rest of it is in the shape
    answers_.start(exchange, std::move(common), std::move(shape));
}

void Api::serve_responses(Exchange& exchange) {
    auto request = parse_response_request(exchange.body());
    if (!request) { return reply_error(exchange, request.error()); }
    auto shape = new_response_shape(*request, backend_.model_name());
    AnswerRequest& common = *request; // the rest of it is in the shape
    answers_.start(exchange, std::move(common), std::move(shape));
}

void Api::serve_models(Exchange& exchange) {
    exchange.reply(200, json_type, model_list_json(backend_, started_));
}

void Api::serve_model(Exchange& exchange, std::string_view id) {
    if (id != backend_.model_name()) {
        ErrorReply error = not_found(std::format("there is no model '{}'", id));
        error.param = "model";
        error.code = "model_not_found";
        return reply_error(exchange, error);
    }
    exchange.reply(200, json_type, model_json(backend_, started_));
}

Load Api::load() const {
    // While the model loads those that the queue has let through wait as well.
    const bool is_ready = backend_.state() == engine::State::ready;
    return {.running = is_ready ? queue_.running() : 0,
            .waiting = queue_.waiting() + (is_ready ? 0 : queue_.running())};
}

void Api::count(const Exchange& exchange) {
    if (exchange.status() == 0) { return; } // the client left before there was a reply
    // One that could not be read has no path.
    const std::string path = exchange.path();
    metrics_.request_ended(path.empty() ? "other" : router_.route_of(path), exchange.status(),
                           base::monotonic_now() - exchange.begun());
}

} // namespace vb::http
