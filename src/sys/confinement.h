// What a child does to itself before it becomes another program. Runs between vfork(2) and execve(2): only raw
// system calls, no allocation, nothing of the parent is written.
#pragma once

#include "sys/kernel.h"

namespace vb::sys {

// Null when all is done, else what failed, with errno.
const char* confine(const Confinement& confinement) noexcept;

} // namespace vb::sys
