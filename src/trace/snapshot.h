// The records of a live timeline, copied out, ordered by start: what the exporters draw.
#pragma once

#include "trace/timeline.h"

#include <string>
#include <vector>

namespace vb::trace {

struct SnapshotSpan {
    std::string name;
    double begin; // milliseconds from the origin
    double end;
    int process;
    int thread;
    int lane; // 0 for the first process and thread seen, and so on: what a reader wants to tell apart
};

struct Snapshot {
    std::vector<SnapshotSpan> spans;
    double length = 0; // milliseconds from the origin to the last end
    std::uint32_t dropped = 0;
};

Snapshot take_snapshot(const Timeline& timeline);

// `text` with the characters that XML and JSON both mind written as spaces: span names are ours, but a
// mapping can be written by any process that holds it.
std::string plain_name(std::string_view text);

} // namespace vb::trace
