// How the runtime is confined: from outside by its user, capabilities and no_new_privs, which are decided here from
// [sandbox] and from what this place lets us do; from inside by --confine (src/sandbox). What cannot be done is a
// line of the log, never a runtime that does not start.
#pragma once

#include "base/log.h"
#include "config/config.h"
#include "control/commands.h"
#include "sys/kernel.h"

namespace vb::init {

// The user and group where nobody has made an account "vector_boot". A number that exists in a container with 65536
// ids, that no distribution gives to an account, and that systemd does not give to services (DynamicUser= takes 61184
// to 65519) is one of 65520 to 65533.
inline constexpr uid_t unnamed_user = 65520;

// What its process does to itself before it becomes the runtime.
sys::Confinement confine_runtime(sys::Kernel& kernel, const base::Log& log,
                                 const config::Sandbox& sandbox) noexcept;

// Of the user's own program in the runtime's place: what it may do is what this user may; empty: what PID 1 may.
base::Result<sys::Confinement> confine_program(sys::Kernel& kernel, std::string_view user) noexcept;

// Makes the directory in which the runtime keeps files, and gives it to its user.
void prepare_cache(sys::Kernel& kernel, const base::Log& log, const std::string& path,
                   const sys::Confinement& confinement) noexcept;

// What the kernel says of a process of ours; `landlock_abi` is what that process has said, which the kernel does not.
std::optional<control::Confinement> confinement_of(sys::Kernel& kernel, pid_t process,
                                                   std::optional<std::uint32_t> landlock_abi) noexcept;

} // namespace vb::init
