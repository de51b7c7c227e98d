#include "http/prometheus_text.h"

#include <algorithm>
#include <cmath>
#include <format>
#include <iterator>

namespace vb::http {

namespace {

void append_label(std::string& text, const Label& label) {
    text.append(text.back() == '{' ? "" : ",").append(label.name).append("=\"");
    for (const char character : label.value) {
        switch (character) {
        case '\\':
            text += "\\\\";
            break;
        case '"':
            text += "\\\"";
            break;
        case '\n':
            text += "\\n";
            break;
        default:
            text += character;
        }
    }
    text += '"';
}

} // namespace

void Histogram::observe(double value) noexcept {
    const auto bound = std::ranges::lower_bound(bounds_, value);
    ++counts_[static_cast<std::size_t>(std::distance(bounds_.begin(), bound))];
    sum_ += value;
}

void PrometheusText::metric(std::string_view name, Type type, std::string_view help) {
    constexpr std::string_view types[] = {"counter", "gauge", "histogram"};
    name_ = name;
    std::format_to(std::back_inserter(text_), "# HELP {} {}\n# TYPE {} {}\n", name, help, name,
                   types[static_cast<std::size_t>(type)]);
}

void PrometheusText::sample(double value, std::initializer_list<Label> labels) {
    line("", labels, {}, value);
}

void PrometheusText::histogram(const Histogram& values, std::initializer_list<Label> labels) {
    std::uint64_t total = 0;
    for (std::size_t index = 0; index < values.counts().size(); ++index) {
        total += values.counts()[index];
        const bool is_last = index == values.bounds().size();
        const std::string bound = is_last ? "+Inf" : std::format("{}", values.bounds()[index]);
        line("_bucket", labels, {.name = "le", .value = bound}, static_cast<double>(total));
    }
    line("_sum", labels, {}, values.sum());
    line("_count", labels, {}, static_cast<double>(total));
}

void PrometheusText::counter(std::string_view name, std::string_view help, double value) {
    metric(name, Type::counter, help);
    sample(value);
}

void PrometheusText::gauge(std::string_view name, std::string_view help, double value) {
    metric(name, Type::gauge, help);
    sample(value);
}

void PrometheusText::line(std::string_view suffix, std::initializer_list<Label> labels, const Label& last,
                          double value) {
    text_.append(name_).append(suffix);
    if (labels.size() > 0 || !last.name.empty()) {
        text_ += '{';
        for (const Label& label : labels) {
            append_label(text_, label);
        }
        if (!last.name.empty()) { append_label(text_, last); }
        text_ += '}';
    }
    // Whole numbers are written whole: a count of requests must not become 1e+06.
    if (value == std::floor(value) && std::abs(value) < 1e15) {
        std::format_to(std::back_inserter(text_), " {:.0f}\n", value);
    } else {
        std::format_to(std::back_inserter(text_), " {}\n", value);
    }
}

} // namespace vb::http
