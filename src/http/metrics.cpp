#include "http/metrics.h"

namespace vb::http {

namespace {

constexpr double first_token_bounds[] = {0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};
constexpr double token_gap_bounds[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5};
constexpr double duration_bounds[] = {0.001, 0.01, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300};
constexpr double token_bounds[] = {1, 4, 16, 64, 256, 1024, 4096, 16384, 65536};

double seconds(base::Nanoseconds time) { return std::chrono::duration<double>(time).count(); }

} // namespace

Metrics::Metrics()
    : first_token_(first_token_bounds), token_gap_(token_gap_bounds), prompt_tokens_(token_bounds),
      completion_tokens_(token_bounds) {}

void Metrics::request_ended(std::string_view path, int status, base::Nanoseconds duration) {
    ++requests_[{std::string(path), status}];
    durations_.try_emplace(std::string(path), duration_bounds).first->second.observe(seconds(duration));
}

void Metrics::first_token(base::Nanoseconds since_request) { first_token_.observe(seconds(since_request)); }

void Metrics::token_gap(base::Nanoseconds since_last) { token_gap_.observe(seconds(since_last)); }

void Metrics::tokens(const engine::Usage& usage) {
    prompt_tokens_.observe(usage.prompt_tokens);
    completion_tokens_.observe(usage.completion_tokens);
    cached_tokens_ += usage.cached_tokens;
}

void Metrics::write(PrometheusText& text) const {
    using enum PrometheusText::Type;
    text.metric("vector_boot_requests_total", counter, "HTTP requests answered, by path and status.");
    for (const auto& [key, count] : requests_) {
        text.sample(static_cast<double>(count), {{.name = "path", .value = key.first},
                                                 {.name = "status", .value = std::to_string(key.second)}});
    }
    text.metric("vector_boot_request_duration_seconds", histogram,
                "From a request's arrival to the end of its reply, by path.");
    for (const auto& [path, durations] : durations_) {
        text.histogram(durations, {{.name = "path", .value = path}});
    }
    text.metric("vector_boot_time_to_first_token_seconds", histogram,
                "From a request's arrival to the first text of its answer.");
    text.histogram(first_token_);
    text.metric("vector_boot_inter_token_latency_seconds", histogram,
                "Between two pieces of an answer's text, a piece being a token in most languages.");
    text.histogram(token_gap_);
    text.metric("vector_boot_request_prompt_tokens", histogram, "Tokens of each request's prompt.");
    text.histogram(prompt_tokens_);
    text.metric("vector_boot_request_completion_tokens", histogram, "Tokens of each request's answer.");
    text.histogram(completion_tokens_);
    text.counter("vector_boot_prompt_tokens_total", "Tokens of the prompts of answered requests.",
                 prompt_tokens_.sum());
    text.counter("vector_boot_cached_tokens_total",
                 "Of the tokens of prompts, those that did not have to be computed.",
                 static_cast<double>(cached_tokens_));
    text.counter("vector_boot_completion_tokens_total", "Tokens of the answers.", completion_tokens_.sum());
}

void AnswerTimer::piece() {
    const base::Nanoseconds now = base::monotonic_now();
    const base::Nanoseconds passed = now - std::exchange(last_, now);
    if (std::exchange(has_begun_, true)) {
        metrics_.token_gap(passed);
    } else {
        metrics_.first_token(passed);
    }
}

} // namespace vb::http
