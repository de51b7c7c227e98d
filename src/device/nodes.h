// The device nodes that every program expects, for kernels without devtmpfs.
#pragma once

#include "base/log.h"

namespace vb::device {

// Makes what is missing below `directory` ("/dev"): null, zero, full, random, urandom, tty, console, kmsg, and the
// links ptmx, fd, stdin, stdout, stderr. Returns how many could not be made; each is a line of the log.
int make_nodes(const char* directory, const base::Log& log) noexcept;

} // namespace vb::device
