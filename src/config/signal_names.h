// Signals by name.
#pragma once

#include <string_view>

namespace vb::config {

// The number of "SIGTERM", "TERM", "15" or "SIGRTMIN+3"; 0 for what is no signal.
int parse_signal(std::string_view text) noexcept;

} // namespace vb::config
