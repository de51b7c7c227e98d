#include "http/api.h"

#include "http/chat_shape.h"
#include "http/completion_shape.h"
#include "http/models.h"
#include "http/response_shape.h"
#include "http/tokens.h"
#include "trace/export.h"

#include <ctime>
#include <format>

namespace vb::http {

namespace {

constexpr char json_type[] = "application/json";
constexpr char text_type[] = "text/plain; charset=utf-8";
constexpr std::string_view overview = R"(vector_boot: a language model behind OpenAI's API

POST /v1/chat/completions  chat, streamed or whole
POST /v1/completions       a text gone on with
POST /v1/responses         OpenAI's newer shape of a chat
POST /v1/embeddings        texts to vectors
POST /tokenize             a text to tokens; POST /detokenize: back
GET  /v1/models            the model that is served
GET  /health               200 when the model answers, 503 while it loads
GET  /live                 200 as long as the process answers
GET  /timeline             the boot, as Chrome trace JSON; ?format=table or ?format=svg
)";

} // namespace

Api::Api(EventLoop& loop, Mailbox& mailbox, Backend& backend, trace::Timeline& timeline, const base::Log& log,
         const Limits& limits)
    : backend_(backend), timeline_(timeline), log_(log), started_(std::time(nullptr)),
      queue_(loop, backend, limits), requests_(queue_, backend, mailbox, limits),
      answers_(requests_, queue_, timeline), embeddings_(queue_, backend, mailbox) {
    add_routes();
}

void Api::add_routes() {
    using enum Method;
    const auto add = [this](Method method, const char* path, void (Api::*serve)(Exchange&)) {
        router_.add(method, path, [this, serve](Exchange& exchange) { (this->*serve)(exchange); });
    };
    add(get, "/", &Api::serve_overview);
    add(post, "/v1/chat/completions", &Api::serve_chat_completions);
    add(post, "/v1/completions", &Api::serve_completions);
    add(post, "/v1/responses", &Api::serve_responses);
    router_.add(post, "/v1/embeddings", [this](Exchange& exchange) { embeddings_.start(exchange); });
    router_.add(post, "/tokenize", [this](Exchange& exchange) { serve_tokenize(exchange, backend_); });
    router_.add(post, "/detokenize", [this](Exchange& exchange) { serve_detokenize(exchange, backend_); });
    add(get, "/v1/models", &Api::serve_models);
    router_.add_folder(get, "/v1/models/",
                       [this](Exchange& exchange, std::string_view id) { serve_model(exchange, id); });
    add(get, "/health", &Api::serve_health);
    router_.add(get, "/live", [](Exchange& exchange) { exchange.reply(200, json_type, status_json("ok")); });
    add(get, "/timeline", &Api::serve_timeline);
}

void Api::refuse_waiting(const ErrorReply& error) {
    answers_.refuse_all(error);
    embeddings_.refuse_all(error);
}

void Api::end_connections() {
    answers_.end_connections();
    embeddings_.end_connections();
}

void Api::serve_chat_completions(Exchange& exchange) {
    auto request = parse_chat_request(exchange.body());
    if (!request) { return reply_error(exchange, request.error()); }
    auto shape = new_chat_shape(*request, backend_.model_name());
    answers_.start(exchange, *std::move(request), std::move(shape));
}

void Api::serve_completions(Exchange& exchange) {
    auto request = parse_completion_request(exchange.body());
    if (!request) { return reply_error(exchange, request.error()); }
    auto shape = new_completion_shape(*request, backend_);
    answers_.start(exchange, *std::move(request), std::move(shape));
}

void Api::serve_responses(Exchange& exchange) {
    auto request = parse_response_request(exchange.body());
    if (!request) { return reply_error(exchange, request.error()); }
    auto shape = new_response_shape(*request, backend_.model_name());
    answers_.start(exchange, *std::move(request), std::move(shape));
}

void Api::serve_overview(Exchange& exchange) { exchange.reply(200, text_type, overview); }

void Api::serve_health(Exchange& exchange) {
    switch (backend_.state()) {
    case engine::State::ready:
        return exchange.reply(200, json_type, status_json("ok"));
    case engine::State::failed:
        return exchange.reply(503, json_type, status_json("failed"));
    case engine::State::loading:
        break;
    }
    exchange.add_header("Retry-After", "1");
    exchange.reply(503, json_type, status_json("loading"));
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

void Api::serve_timeline(Exchange& exchange) {
    if (timeline_.layout() == nullptr) {
        return reply_error(exchange, not_found("this process records no timeline"));
    }
    const std::string format = exchange.query("format").value_or("json");
    if (format == "json") {
        exchange.reply(200, json_type, trace::export_chrome(timeline_));
    } else if (format == "table") {
        exchange.reply(200, text_type, trace::export_table(timeline_));
    } else if (format == "svg") {
        exchange.reply(200, "image/svg+xml", trace::export_svg(timeline_));
    } else {
        reply_error(exchange, invalid_request("'format' must be json, table or svg", "format"));
    }
}

} // namespace vb::http
