#include "trace/export.h"
#include "trace/snapshot.h"

#include <cstdio>

// Chrome trace event format: "X" is a complete span, "i" an instant. The names hold nothing that JSON would
// want escaped (plain_name), so the text is put together here.
namespace vb::trace {

std::string export_chrome(const Timeline& timeline) {
    const Snapshot snapshot = take_snapshot(timeline);
    std::string json = "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[";
    char event[256];
    const char* separator = "\n";
    for (const SnapshotSpan& span : snapshot.spans) {
        const double start = span.begin * 1000;
        const double took = (span.end - span.begin) * 1000;
        if (span.begin == span.end) {
            std::snprintf(event, sizeof event,
                          R"(%s{"name":"%s","ph":"i","s":"g","ts":%.3f,"pid":%d,"tid":%d})", separator,
                          span.name.c_str(), start, span.process, span.thread);
        } else {
            std::snprintf(event, sizeof event,
                          R"(%s{"name":"%s","ph":"X","ts":%.3f,"dur":%.3f,"pid":%d,"tid":%d})", separator,
                          span.name.c_str(), start, took, span.process, span.thread);
        }
        json += event;
        separator = ",\n";
    }
    std::snprintf(event, sizeof event, "\n],\"otherData\":{\"dropped\":%u}}\n", snapshot.dropped);
    return json += event;
}

} // namespace vb::trace
