// What vector_boot says of itself, for people.
#pragma once

#include "control/client.h"

#include <string>

namespace vb::vbctl {

// A line about the whole and a table of the units.
std::string status_table(const control::Report& report, bool colours);

// One unit as it became at some time after the start: "[   12.345] sshd: ready, pid 100".
std::string change_line(const control::Unit& unit, bool colours);

// "129 ms", "12 s", "3 min 12 s", "2 h 5 min", "4 d 3 h"
std::string describe_duration(base::Nanoseconds time);
// "512 B", "12 KiB", "300 MiB", "1.5 GiB"
std::string describe_size(std::uint64_t bytes);

} // namespace vb::vbctl
