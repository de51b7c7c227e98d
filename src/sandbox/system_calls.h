// The seccomp(2) filter of the runtime: the system calls that loading and serving a model takes, and no others.
#pragma once

#include "base/error.h"

namespace vb::sandbox {

// From here on, for the calling thread and the threads that it starts. `devices`: with what the drivers of GPUs ask
// for. What is not permitted fails with EPERM, so that whoever has an answer to that goes on; clone3(2), whose flags
// a filter cannot see, with ENOSYS, upon which libc starts its threads by clone(2).
base::Result<> restrict_system_calls(bool devices);

} // namespace vb::sandbox
