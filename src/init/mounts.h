// The file systems that a machine needs before anything else runs, and their orderly end.
#pragma once

#include "base/log.h"
#include "sys/kernel.h"

namespace vb::init {

// /proc, unless it is there.
base::Result<> mount_proc(sys::Kernel& kernel) noexcept;

// sys, dev, run, tmp, cgroup2 and what belongs under dev; what is already a mount point is left alone.
void mount_early(sys::Kernel& kernel, const base::Log& log) noexcept;

// Unmounts in the reverse order of mounting, and makes read-only what is still busy, / included.
void unmount_all(sys::Kernel& kernel, const base::Log& log) noexcept;

// Whether `path` is the mount point of a line of `mountinfo`; see proc_pid_mountinfo(5).
bool is_mount_point(std::string_view mountinfo, std::string_view path) noexcept;

} // namespace vb::init
