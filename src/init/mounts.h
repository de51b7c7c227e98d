// The file systems that a machine needs before anything else runs, and what the kernel says of those that there are.
#pragma once

#include "base/log.h"
#include "sys/kernel.h"

namespace vb::init {

inline constexpr char mountinfo_path[] = "/proc/self/mountinfo";

// /proc, unless it is there.
base::Result<> mount_proc(sys::Kernel& kernel) noexcept;

// sys, dev with its nodes, run, tmp, cgroup2 and what belongs under dev; what is already a mount point is left alone.
void mount_early(sys::Kernel& kernel, const base::Log& log) noexcept;

// Whether /dev is a file system that the kernel makes no nodes in, so that they are ours to make.
bool has_own_nodes(sys::Kernel& kernel) noexcept;

// Whether `path` is the mount point of a line of `mountinfo`; see proc_pid_mountinfo(5).
bool is_mount_point(std::string_view mountinfo, std::string_view path) noexcept;
// Of a line of mountinfo.
std::string_view mount_point_of(std::string_view line) noexcept;
// Spaces, tabs, newlines and backslashes stand as \ooo there, and in proc_swaps(5).
base::Text<4095> unescape_path(std::string_view text) noexcept;

} // namespace vb::init
