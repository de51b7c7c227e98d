// Where vector_boot runs decides what it owes: a machine has to be mounted and powered off, a container or an
// ordinary process has to end with its child's status.
#pragma once

#include "base/log.h"
#include "sys/kernel.h"

namespace vb::init {

enum class Place : unsigned char {
    machine,   // PID 1 of a kernel
    container, // PID 1 of another PID namespace
    process,   // an ordinary process, which adopts its orphaned descendants
};

// Finds out, and does what cannot wait for the configuration: the first mounts and the console of a machine,
// the Ctrl-Alt-Del key, the subreaper flag of a process. Faults are logged; none of them stops a boot.
Place prepare_place(sys::Kernel& kernel, const base::Log& log) noexcept;

} // namespace vb::init
