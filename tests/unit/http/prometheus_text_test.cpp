#include "http/prometheus_text.h"

#include "http/metrics.h"
#include "http/process_statistics.h"

#include <gtest/gtest.h>

namespace vb::http {

namespace {

TEST(PrometheusTextTest, LabelsAreEscaped) {
    PrometheusText text;
    text.metric("a", PrometheusText::Type::gauge, "Help.");
    text.sample(1.5, {{.name = "x", .value = "back\\slash \"quoted\"\nline"}, {.name = "y", .value = ""}});
    EXPECT_EQ(text.text(), "# HELP a Help.\n# TYPE a gauge\n"
                           "a{x=\"back\\\\slash \\\"quoted\\\"\\nline\",y=\"\"} 1.5\n");
}

TEST(PrometheusTextTest, LargeCountsStayWhole) {
    PrometheusText text;
    text.counter("a", "Help.", 12345678901);
    EXPECT_TRUE(text.text().ends_with("\na 12345678901\n"));
}

TEST(PrometheusTextTest, HistogramsAreCumulative) {
    constexpr double bounds[] = {0.5, 1};
    Histogram histogram(bounds);
    for (const double value : {0.5, 0.6, 1.0, 7.0}) {
        histogram.observe(value);
    }
    PrometheusText text;
    text.metric("a", PrometheusText::Type::histogram, "Help.");
    text.histogram(histogram, {{.name = "x", .value = "1"}});
    EXPECT_TRUE(text.text().ends_with("a_bucket{x=\"1\",le=\"0.5\"} 1\n"
                                      "a_bucket{x=\"1\",le=\"1\"} 3\n"
                                      "a_bucket{x=\"1\",le=\"+Inf\"} 4\n"
                                      "a_sum{x=\"1\"} 9.1\n"
                                      "a_count{x=\"1\"} 4\n"))
        << text.text();
}

TEST(MetricsTest, OnePieceIsTheFirstTokenAndTheOthersAreGaps) {
    Metrics metrics;
    AnswerTimer timer(metrics);
    for (int piece = 0; piece < 3; ++piece) {
        timer.piece();
    }
    PrometheusText text;
    metrics.write(text);
    EXPECT_TRUE(text.text().contains("vector_boot_time_to_first_token_seconds_count 1\n"));
    EXPECT_TRUE(text.text().contains("vector_boot_inter_token_latency_seconds_count 2\n"));
}

TEST(MetricsTest, TokensAddUp) {
    Metrics metrics;
    metrics.tokens({.prompt_tokens = 10, .cached_tokens = 4, .completion_tokens = 3});
    metrics.tokens({.prompt_tokens = 20, .cached_tokens = 20, .completion_tokens = 1});
    PrometheusText text;
    metrics.write(text);
    EXPECT_TRUE(text.text().contains("\nvector_boot_prompt_tokens_total 30\n"));
    EXPECT_TRUE(text.text().contains("\nvector_boot_cached_tokens_total 24\n"));
    EXPECT_TRUE(text.text().contains("\nvector_boot_completion_tokens_total 4\n"));
    EXPECT_TRUE(text.text().contains("vector_boot_request_prompt_tokens_bucket{le=\"16\"} 1\n"));
}

double value_of(const ProcessStatistics& statistics, std::string_view name) {
    PrometheusText text;
    statistics.write(text);
    const std::size_t at = text.text().find("\n" + std::string(name) + " ");
    return at == std::string::npos ? -1 : std::stod(text.text().substr(at + name.size() + 2));
}

TEST(ProcessStatisticsTest, ReadsThisProcessEachTimeAnew) {
    const ProcessStatistics statistics;
    EXPECT_GT(value_of(statistics, "process_resident_memory_bytes"), 1e5);
    EXPECT_GE(value_of(statistics, "process_cpu_seconds_total"), 0);
    const double open = value_of(statistics, "process_open_fds");
    EXPECT_EQ(value_of(statistics, "process_open_fds"), open) << "it keeps what it opens";
    const base::UniqueFd one_more(::dup(0));
    EXPECT_EQ(value_of(statistics, "process_open_fds"), open + 1);
}

} // namespace

} // namespace vb::http
