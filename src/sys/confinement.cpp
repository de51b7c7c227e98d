#include "sys/confinement.h"

#include <cerrno>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace vb::sys {

namespace {

bool set_limits(std::span<const ResourceLimit> limits) noexcept {
    for (const ResourceLimit& limit : limits) {
        const rlimit both{.rlim_cur = limit.value, .rlim_max = limit.value};
        if (::setrlimit(static_cast<__rlimit_resource>(limit.resource), &both) != 0) { return false; }
    }
    return true;
}

// Past the last one the kernel knows, PR_CAPBSET_READ fails.
bool bound_capabilities(std::uint64_t kept) noexcept {
    for (unsigned number = 0; number < 64 && ::prctl(PR_CAPBSET_READ, number) >= 0; ++number) {
        if ((kept >> number & 1) == 0 && ::prctl(PR_CAPBSET_DROP, number) != 0) { return false; }
    }
    return true;
}

// Not glibc's functions of these names: they send signals to the threads of a process that is not ours here.
bool become(const Identity& identity) noexcept {
    return ::syscall(SYS_setgroups, identity.more_count, identity.more_groups) == 0 &&
           ::syscall(SYS_setresgid, identity.group, identity.group, identity.group) == 0 &&
           ::syscall(SYS_setresuid, identity.user, identity.user, identity.user) == 0;
}

// Gives up all others, also those that an inheritable or ambient set would bring through execve(2). Each set may be
// made smaller without a privilege.
bool limit_capabilities(std::uint64_t kept) noexcept {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    __user_cap_data_struct halves[2]{};
    if (::syscall(SYS_capget, &header, halves) != 0) { return false; }
    for (unsigned half = 0; half < 2; ++half) {
        const auto bits = static_cast<std::uint32_t>(kept >> (32 * half));
        halves[half].effective &= bits;
        halves[half].permitted &= bits;
        halves[half].inheritable &= bits;
    }
    return ::syscall(SYS_capset, &header, halves) == 0;
}

// For a user other than root, whose capabilities would be lost at execve(2): ambient ones are not. capabilities(7)
bool keep_capabilities(std::uint64_t kept) noexcept {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    __user_cap_data_struct halves[2]{};
    for (unsigned half = 0; half < 2; ++half) {
        const auto bits = static_cast<std::uint32_t>(kept >> (32 * half));
        halves[half] = {.effective = bits, .permitted = bits, .inheritable = bits};
    }
    if (::syscall(SYS_capset, &header, halves) != 0) { return false; }
    for (unsigned number = 0; number < 64; ++number) {
        if ((kept >> number & 1) != 0 && ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) != 0) {
            return false;
        }
    }
    return true;
}

} // namespace

const char* confine(const Confinement& wanted) noexcept {
    if (wanted.cgroup >= 0 && ::write(wanted.cgroup, "0", 1) != 1) { return "join the cgroup for"; }
    if (!set_limits(wanted.limits)) { return "set resource limits for"; }
    if (wanted.directory != nullptr && ::chdir(wanted.directory) != 0) { return "change the directory for"; }
    if (wanted.capabilities && !bound_capabilities(*wanted.capabilities) &&
        !(errno == EPERM && wanted.no_new_privileges)) {
        return "drop capabilities for";
    }
    const bool keeps = wanted.capabilities && wanted.identity && wanted.identity->user != 0;
    if (wanted.identity) {
        if (keeps && ::prctl(PR_SET_KEEPCAPS, 1) != 0) { return "keep capabilities for"; }
        if (!become(*wanted.identity)) { return "change the user for"; }
        if (keeps && !keep_capabilities(*wanted.capabilities)) { return "keep capabilities for"; }
    }
    if (wanted.capabilities && !keeps && !limit_capabilities(*wanted.capabilities)) {
        return "drop capabilities for";
    }
    if (wanted.no_new_privileges && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return "set no_new_privs for";
    }
    return nullptr;
}

} // namespace vb::sys
