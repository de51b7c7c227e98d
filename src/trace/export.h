// Ways to look at a timeline. Each reads a live mapping: records that are being written are left out.
#pragma once

#include "trace/timeline.h"

#include <string>

namespace vb::trace {

// For a terminal: start, duration, a bar, process and name, in order of start.
std::string export_table(const Timeline& timeline);
// Chrome trace event format, for chrome://tracing and Perfetto. Times in microseconds from the origin.
std::string export_chrome(const Timeline& timeline);
// A picture for pages and READMEs, light and dark.
std::string export_svg(const Timeline& timeline);

} // namespace vb::trace
