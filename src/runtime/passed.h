// What the supervisor passes to this process in its environment, and what is there instead where nobody does.
#pragma once

#include "base/log.h"
#include "runtime/notify.h"
#include "trace/timeline.h"

#include <string>
#include <string_view>
#include <vector>

namespace vb::runtime {

// Of the environment; empty where it is not set.
std::string_view variable(const char* name);

// The timeline of the boot that this process is part of, or one of its own.
trace::Timeline open_timeline(base::Nanoseconds started, const base::Log& log);
Notifier open_notifier(const base::Log& log);
// Those that were passed, or a new one that is bound to `address`.
base::Result<std::vector<base::UniqueFd>> listening_sockets(const std::string& address);
// How long the supervisor waits for a sign of life; 0: for ever.
base::Nanoseconds watchdog_interval();
// PID 1's count of the runtimes before this one.
std::uint32_t restarts();
// Takes out of the environment what speaks to this process alone, so that its children do not believe it.
void forget_passed();

} // namespace vb::runtime
