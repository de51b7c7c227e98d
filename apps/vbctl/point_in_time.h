// A point in time as a person writes it.
#pragma once

#include "base/clock.h"

#include <optional>
#include <string_view>

namespace vb::vbctl {

// Wall-clock time since 1970: "2026-11-23", "2026-11-23 14:05", "2026-11-23T14:05:30", "14:05" (today), in local
// time; "@1764000000"; or how long ago: "90s", "15m", "2h", "3d".
std::optional<base::Nanoseconds> parse_point_in_time(std::string_view text, base::Nanoseconds now);

} // namespace vb::vbctl
