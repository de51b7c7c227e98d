#include "trace/export.h"
#include "trace/snapshot.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace vb::trace {

namespace {

constexpr int left = 16;
constexpr int plot_width = 720;
constexpr int label_width = 260;
constexpr int row_height = 22;
constexpr int top = 34;

// One colour a lane; these read on white and on black.
constexpr const char* lane_colours[] = {"#4c78a8", "#f58518", "#54a24b", "#b279a2", "#e45756", "#72b7b2"};

// A step of 1, 2 or 5 times a power of ten that gives about eight ticks.
double tick_step(double length) {
    const double rough = std::max(length, 1e-3) / 8;
    const double magnitude = std::pow(10, std::floor(std::log10(rough)));
    for (const double factor : {1.0, 2.0, 5.0}) {
        if (factor * magnitude >= rough) { return factor * magnitude; }
    }
    return 10 * magnitude;
}

void append_axis(std::string& svg, double length, int bottom) {
    char part[256];
    const double step = tick_step(length);
    for (int tick = 0; tick * step <= length; ++tick) {
        const double x = left + tick * step / length * plot_width;
        std::snprintf(
            part, sizeof part,
            "<path class=\"grid\" d=\"M%.1f %dV%d\"/><text x=\"%.1f\" y=\"%d\" class=\"tick\">%g ms</text>\n",
            x, top - 8, bottom, x, top - 14, tick * step);
        svg += part;
    }
}

void append_span(std::string& svg, const SnapshotSpan& span, double length, int y) {
    char part[512];
    const double x = left + span.begin / length * plot_width;
    const double width = std::max((span.end - span.begin) / length * plot_width, 2.0);
    const char* const colour =
        lane_colours[static_cast<std::size_t>(span.lane) % (sizeof lane_colours / sizeof *lane_colours)];
    std::snprintf(part, sizeof part,
                  "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" rx=\"2\" fill=\"%s\"/>"
                  "<text x=\"%.1f\" y=\"%d\">%s <tspan class=\"took\">%.1f ms</tspan></text>\n",
                  x, y + 3, width, row_height - 6, colour, x + width + 6, y + 15, span.name.c_str(),
                  span.begin == span.end ? span.begin : span.end - span.begin);
    svg += part;
}

} // namespace

std::string export_svg(const Timeline& timeline) {
    const Snapshot snapshot = take_snapshot(timeline);
    const double length = std::max(snapshot.length, 1e-3);
    const int bottom = top + static_cast<int>(snapshot.spans.size()) * row_height;
    char head[1024];
    std::snprintf(
        head, sizeof head,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"system-ui, "
        "sans-serif\" font-size=\"12\">\n<style>text{fill:#333}.tick{font-size:10px;text-anchor:middle;"
        "fill:#777}.took{fill:#777}.grid{stroke:#8884;fill:none}.page{fill:#fff}"
        "@media(prefers-color-scheme:dark){text{fill:#ddd}.tick,.took{fill:#999}.page{fill:#0d1117}}"
        "</style>\n<rect class=\"page\" width=\"100%%\" height=\"100%%\"/>\n",
        left + plot_width + label_width, bottom + 10);
    std::string svg = head;
    append_axis(svg, length, bottom);
    int y = top;
    for (const SnapshotSpan& span : snapshot.spans) {
        append_span(svg, span, length, y);
        y += row_height;
    }
    return svg += "</svg>\n";
}

} // namespace vb::trace
