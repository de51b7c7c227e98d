#include "trace/snapshot.h"

#include <algorithm>
#include <cstring>
#include <span>

namespace vb::trace {

std::string plain_name(std::string_view text) {
    std::string plain(text);
    for (char& character : plain) {
        const bool harmless =
            character >= ' ' && character < 0x7f && std::strchr("\"\\<>&'", character) == nullptr;
        if (!harmless) { character = ' '; }
    }
    return plain;
}

Snapshot take_snapshot(const Timeline& timeline) {
    Snapshot snapshot;
    const Layout* const layout = timeline.layout();
    if (layout == nullptr) { return snapshot; }
    const std::int64_t origin = layout->header.origin;
    const auto since_origin = [origin](std::int64_t time) {
        return static_cast<double>(time - origin) / 1e6;
    };
    const std::uint32_t used =
        std::min(layout->header.used.load(std::memory_order_acquire), Layout::capacity);
    for (const Record& record : std::span(layout->records, used)) {
        if (!record.written.load(std::memory_order_acquire)) { continue; }
        const std::size_t length = ::strnlen(record.name, sizeof record.name);
        snapshot.spans.push_back({.name = plain_name({record.name, length}),
                                  .begin = since_origin(record.begin),
                                  .end = since_origin(std::max(record.begin, record.end)),
                                  .process = record.process,
                                  .thread = record.thread,
                                  .lane = 0});
        snapshot.length = std::max(snapshot.length, snapshot.spans.back().end);
    }
    snapshot.dropped = layout->header.dropped.load(std::memory_order_relaxed);
    std::ranges::stable_sort(snapshot.spans, {}, &SnapshotSpan::begin);

    std::vector<std::pair<int, int>> lanes;
    for (SnapshotSpan& span : snapshot.spans) {
        const std::pair key(span.process, span.thread);
        auto lane = std::ranges::find(lanes, key);
        if (lane == lanes.end()) { lane = lanes.insert(lanes.end(), key); }
        span.lane = static_cast<int>(lane - lanes.begin());
    }
    return snapshot;
}

} // namespace vb::trace
