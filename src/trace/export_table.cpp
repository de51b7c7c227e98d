#include "trace/export.h"
#include "trace/snapshot.h"

#include <algorithm>
#include <cstdio>

namespace vb::trace {

namespace {

constexpr int bar_width = 40;

// A bar for [begin, end] on a scale of `length` milliseconds, at least one cell wide.
std::string bar(const SnapshotSpan& span, double length) {
    const double cells_per_millisecond = length > 0 ? bar_width / length : 0;
    const int first = std::min(static_cast<int>(span.begin * cells_per_millisecond), bar_width - 1);
    const int last = std::clamp(static_cast<int>(span.end * cells_per_millisecond), first + 1, bar_width);
    std::string cells(static_cast<std::size_t>(std::max(first, 0)), ' ');
    const bool is_point = span.begin == span.end;
    for (int cell = std::max(first, 0); cell < last; ++cell) {
        cells += is_point ? "|" : "#";
    }
    cells.resize(bar_width, ' ');
    return cells;
}

} // namespace

std::string export_table(const Timeline& timeline) {
    const Snapshot snapshot = take_snapshot(timeline);
    std::string table = "  start ms     took ms  process\n";
    char line[256];
    for (const SnapshotSpan& span : snapshot.spans) {
        std::snprintf(line, sizeof line, "%10.1f  %10.1f  %7d  %s  %s\n", span.begin, span.end - span.begin,
                      span.process, bar(span, snapshot.length).c_str(), span.name.c_str());
        table += line;
    }
    if (snapshot.dropped > 0) {
        std::snprintf(line, sizeof line, "%u more spans did not fit\n", snapshot.dropped);
        table += line;
    }
    return table;
}

} // namespace vb::trace
