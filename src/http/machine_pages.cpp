#include "http/machine_pages.h"

#include "base/text.h"
#include "http/error_reply.h"
#include "http/machine_metrics.h"
#include "http/models.h"
#include "http/page.h"
#include "trace/export.h"

#include <algorithm>
#include <format>
#include <utility>

namespace vb::http {

namespace {

constexpr char text_type[] = "text/plain; charset=utf-8";

// The page may load nothing but its own files, and pictures that its script has fetched.
constexpr char content_security_policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

void reply_file(Exchange& exchange, const PageFile& file) {
    exchange.add_header("Content-Security-Policy", content_security_policy);
    exchange.add_header("X-Content-Type-Options", "nosniff");
    exchange.add_header("Referrer-Policy", "no-referrer");
    exchange.add_header("Cache-Control", "no-cache"); // another version may be behind this address tomorrow
    exchange.reply(200, file.content_type, file.content);
}

std::string_view state_name(engine::State state, bool is_stuck) {
    switch (state) {
    case engine::State::loading:
        return "loading";
    case engine::State::failed:
        return "failed";
    case engine::State::ready:
        break;
    }
    return is_stuck ? "stuck" : "ready";
}

} // namespace

MachinePages::MachinePages(Subjects subjects) : subjects_(std::move(subjects)) {}

void MachinePages::add_to(Router& router) {
    using enum Method;
    router.add(get, "/", [this](Exchange& exchange) { serve_start(exchange); });
    router.add_folder(get, "/page/",
                      [this](Exchange& exchange, std::string_view name) { serve_file(exchange, name); });
    router.add(get, "/live", [](Exchange& exchange) { exchange.reply(200, json_type, status_json("ok")); });
    router.add(get, "/health", [this](Exchange& exchange) { subjects_.health.answer(exchange); });
    router.add(get, "/metrics", [this](Exchange& exchange) { serve_metrics(exchange); });
    router.add(get, "/status", [this](Exchange& exchange) { serve_status(exchange); });
    router.add(get, "/logs", [this](Exchange& exchange) { serve_logs(exchange); });
    router.add(get, "/timeline", [this](Exchange& exchange) { serve_timeline(exchange); });
}

// The page for browsers, which name HTML; curl and the like accept everything and get words.
void MachinePages::serve_start(Exchange& exchange) const {
    exchange.add_header("Vary", "Accept");
    if (exchange.header("Accept").value_or("").contains("text/html")) {
        return reply_file(exchange, page_files()[0]);
    }
    exchange.reply(200, text_type, subjects_.overview);
}

void MachinePages::serve_file(Exchange& exchange, std::string_view name) const {
    const auto found = std::ranges::find(page_files(), name, &PageFile::name);
    if (found == page_files().end()) {
        return reply_error(exchange, not_found(std::format("there is no file '{}'", name)));
    }
    reply_file(exchange, *found);
}

void MachinePages::serve_metrics(Exchange& exchange) const {
    PrometheusText text;
    const Load load = subjects_.load();
    subjects_.metrics.write(text);
    write_engine_metrics(text, subjects_.backend, load);
    write_boot_metrics(text, subjects_.timeline, subjects_.restarts);
    write_vllm_metrics(text, subjects_.backend, load);
    if (subjects_.process != nullptr) { subjects_.process->write(text); }
    exchange.reply(200, PrometheusText::content_type, text.text());
}

void MachinePages::serve_status(Exchange& exchange) const {
    const Backend& backend = subjects_.backend;
    const engine::State state = backend.state();
    StatusReport report{.version = VB_VERSION,
                        .model = backend.model_name(),
                        .state = state_name(state, subjects_.health.is_stuck()),
                        .progress = double{backend.progress()},
                        .uptime = std::chrono::duration<double>(base::monotonic_now() - started_).count(),
                        .restarts = subjects_.restarts,
                        .requests = subjects_.load(),
                        .parallel = backend.parallel(),
                        .information = {},
                        .counters = backend.counters()};
    if (state == engine::State::ready) { report.information = backend.information(); }
    exchange.add_header("Cache-Control", "no-store");
    exchange.reply(200, json_type, report_json(report));
}

void MachinePages::serve_logs(Exchange& exchange) const {
    if (subjects_.log_lines == nullptr) {
        return reply_error(exchange, not_found("this process keeps no lines of its log"));
    }
    std::uint64_t after = 0;
    if (const auto asked = exchange.query("after"); asked && !base::parse_number(*asked, after)) {
        return reply_error(exchange, invalid_request("'after' must be the number of a line", "after"));
    }
    exchange.add_header("Cache-Control", "no-store");
    exchange.reply(200, json_type, log_json(subjects_.log_lines->after(after)));
}

void MachinePages::serve_timeline(Exchange& exchange) const {
    const trace::Timeline& timeline = subjects_.timeline;
    if (timeline.layout() == nullptr) {
        return reply_error(exchange, not_found("this process records no timeline"));
    }
    const std::string format = exchange.query("format").value_or("json");
    if (format == "json") {
        exchange.reply(200, json_type, trace::export_chrome(timeline));
    } else if (format == "table") {
        exchange.reply(200, text_type, trace::export_table(timeline));
    } else if (format == "svg") {
        exchange.reply(200, "image/svg+xml", trace::export_svg(timeline));
    } else {
        reply_error(exchange, invalid_request("'format' must be json, table or svg", "format"));
    }
}

} // namespace vb::http
