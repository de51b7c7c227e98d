// vector_boot-runtime: the engine, the HTTP server in front of it, and the supervisor's wishes, on one event
// loop. It decides when the process ends and with which code, and computes nothing itself.
#pragma once

#include "base/clock.h"
#include "base/log.h"
#include "runtime/options.h"

namespace vb::runtime {

enum ExitCode : int { ended = 0, set_up_failed = 1, engine_failed = 2 };

// Serves until a signal says otherwise. `started` is when main() was entered. Call once, before any thread
// exists.
int run(const Options& options, base::Nanoseconds started);

} // namespace vb::runtime
