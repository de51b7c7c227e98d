// The user's Python program on the main thread, and beside it, on a thread of its own, the service: the engine, what the
// supervisor is told, and, when the program asks for it, the HTTP API.
#pragma once

#include "runtime/service.h"

namespace vb::runtime {

// Runs the program to its end. Returns its exit status, or that of a failed engine.
// The signals that end a process are blocked on this thread, and `sockets` are listening.
base::Result<int> host_program(const Service::Surroundings& surroundings,
                               std::vector<base::UniqueFd> sockets);

} // namespace vb::runtime
