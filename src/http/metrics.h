// What is counted of the requests, for GET /metrics; docs/metrics.md says what each number means. Counting is a few
// additions. Belongs to the event loop's thread.
#pragma once

#include "base/clock.h"
#include "engine/engine.h"
#include "http/prometheus_text.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace vb::http {

class Metrics {
  public:
    Metrics();

    // `path` is one of those that are served: each is a series of its own.
    void request_ended(std::string_view path, int status, base::Nanoseconds duration);
    void first_token(base::Nanoseconds since_request);
    void token_gap(base::Nanoseconds since_last);
    // Of an answer that has ended.
    void tokens(const engine::Usage& usage);

    void write(PrometheusText& text) const;

  private:
    std::map<std::pair<std::string, int>, std::uint64_t> requests_; // by path and status
    std::map<std::string, Histogram, std::less<>> durations_;       // by path
    Histogram first_token_, token_gap_;
    Histogram prompt_tokens_, completion_tokens_; // of each request
    std::uint64_t cached_tokens_ = 0;
};

// Takes the time of one answer as its text comes.
class AnswerTimer {
  public:
    explicit AnswerTimer(Metrics& metrics, base::Nanoseconds began = base::monotonic_now()) noexcept
        : metrics_(metrics), last_(began) {}
    void piece();

  private:
    Metrics& metrics_;
    base::Nanoseconds last_;
    bool has_begun_ = false;
};

} // namespace vb::http
