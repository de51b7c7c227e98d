#include "http/api.h"

#include "http/openai.h"
#include "trace/export.h"

#include <ctime>
#include <format>

namespace vb::http {

namespace {

constexpr char json_type[] = "application/json";
constexpr char text_type[] = "text/plain; charset=utf-8";
constexpr std::string_view overview = R"(vector_boot: a language model behind OpenAI's API

POST /v1/chat/completions  chat, streamed or whole
GET  /v1/models            the model that is served
GET  /health               200 when the model answers, 503 while it loads
GET  /live                 200 as long as the process answers
GET  /timeline             the boot, as Chrome trace JSON; ?format=table or ?format=svg
)";

} // namespace

Api::Api(Mailbox& mailbox, Backend& backend, trace::Timeline& timeline, const base::Log& log,
         const Limits& limits)
    : backend_(backend), timeline_(timeline), log_(log), started_(std::time(nullptr)),
      completions_(backend, mailbox, timeline, limits.completions) {
    using enum Method;
    router_.add(get, "/", [this](Exchange& exchange) { serve_overview(exchange); });
    router_.add(post, "/v1/chat/completions", [this](Exchange& exchange) { completions_.start(exchange); });
    router_.add(get, "/v1/models", [this](Exchange& exchange) { serve_models(exchange); });
    router_.add_folder(get, "/v1/models/",
                       [this](Exchange& exchange, std::string_view id) { serve_model(exchange, id); });
    router_.add(get, "/health", [this](Exchange& exchange) { serve_health(exchange); });
    router_.add(get, "/live", [](Exchange& exchange) { exchange.reply(200, json_type, status_json("ok")); });
    router_.add(get, "/timeline", [this](Exchange& exchange) { serve_timeline(exchange); });
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
