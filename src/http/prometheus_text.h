// Writes numbers in Prometheus' text format 0.0.4, and counts what becomes a histogram there. Knows no metric by
// name. Belongs to one thread: prometheus-cpp would bring locks and a second HTTP server (civetweb) for this.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vb::http {

// How often values came that are at most as large as each bound.
class Histogram {
  public:
    // The bounds rise, and outlive it.
    explicit Histogram(std::span<const double> bounds) : bounds_(bounds), counts_(bounds.size() + 1) {}

    void observe(double value) noexcept;

    std::span<const double> bounds() const noexcept { return bounds_; }
    // Those above the bound before this one; the last is for those above all bounds.
    std::span<const std::uint64_t> counts() const noexcept { return counts_; }
    double sum() const noexcept { return sum_; }

  private:
    std::span<const double> bounds_;
    std::vector<std::uint64_t> counts_;
    double sum_ = 0;
};

struct Label {
    std::string_view name, value;
};

class PrometheusText {
  public:
    static constexpr char content_type[] = "text/plain; version=0.0.4; charset=utf-8";
    enum class Type : unsigned char { counter, gauge, histogram };

    // What follows are the samples of this metric. `name` outlives them.
    void metric(std::string_view name, Type type, std::string_view help);
    void sample(double value, std::initializer_list<Label> labels = {});
    void histogram(const Histogram& values, std::initializer_list<Label> labels = {});
    // A metric with one sample.
    void counter(std::string_view name, std::string_view help, double value);
    void gauge(std::string_view name, std::string_view help, double value);

    const std::string& text() const noexcept { return text_; }

  private:
    void line(std::string_view suffix, std::initializer_list<Label> labels, const Label& last, double value);

    std::string_view name_;
    std::string text_;
};

} // namespace vb::http
