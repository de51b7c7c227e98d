#include "http/status.h"

#include "http/json.h"

#include <array>
#include <vector>

// Named, since glaze's reflection needs types with linkage.
namespace vb::http::wire {

struct Health {
    static constexpr std::array<std::string_view, 3> left_out{"progress", "reason", "seconds"};
    std::string_view status;
    std::optional<double> progress;
    std::optional<std::string_view> reason;
    std::optional<double> seconds;
};
struct Requests {
    std::size_t running, waiting, parallel;
};
struct Tokens {
    std::uint64_t prompt, cached, completion;
};
struct Context {
    std::uint64_t held, room;
};
struct ModelFacts {
    std::uint32_t context, trained_context, vocabulary, threads;
    std::uint64_t parameters, weights;
};
struct Status {
    std::string_view version, model, state;
    double progress, uptime;
    std::uint32_t restarts;
    Requests requests;
    Tokens tokens;
    Context context;
    std::optional<ModelFacts> information;
};
struct LogLine {
    std::uint64_t number;
    std::int64_t time;
    std::string_view level, text;
};
struct LogLines {
    std::vector<LogLine> lines;
};

} // namespace vb::http::wire

namespace vb::http {

std::string health_json(const HealthReport& report) {
    return json(wire::Health{.status = report.status,
                             .progress = report.progress,
                             .reason = report.reason.empty() ? std::nullopt : std::optional(report.reason),
                             .seconds = report.seconds});
}

std::string report_json(const StatusReport& report) {
    std::optional<wire::ModelFacts> facts;
    if (const auto& known = report.information) {
        facts = {.context = known->context,
                 .trained_context = known->trained_context,
                 .vocabulary = known->vocabulary,
                 .threads = known->threads,
                 .parameters = known->parameters,
                 .weights = known->weights};
    }
    const engine::Counters& counters = report.counters;
    return json(wire::Status{.version = report.version,
                             .model = report.model,
                             .state = report.state,
                             .progress = report.progress,
                             .uptime = report.uptime,
                             .restarts = report.restarts,
                             .requests = {.running = report.requests.running,
                                          .waiting = report.requests.waiting,
                                          .parallel = report.parallel},
                             .tokens = {.prompt = counters.prompt_tokens,
                                        .cached = counters.cached_tokens,
                                        .completion = counters.completion_tokens},
                             .context = {.held = counters.held_tokens, .room = counters.token_room},
                             .information = facts});
}

std::string log_json(std::span<const LogRing::Line> lines) {
    wire::LogLines document;
    for (const LogRing::Line& line : lines) {
        document.lines.push_back({.number = line.number,
                                  .time = line.time,
                                  .level = base::level_names[static_cast<std::size_t>(line.level)],
                                  .text = line.text});
    }
    return json(document);
}

} // namespace vb::http
