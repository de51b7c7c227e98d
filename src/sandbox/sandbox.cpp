#include "sandbox/sandbox.h"

#include "sandbox/landlock.h"
#include "sandbox/system_calls.h"

#include <cerrno>
#include <fcntl.h>
#include <span>
#include <sys/prctl.h>

namespace vb::sandbox {

namespace {

#ifdef VB_SANITIZED
constexpr bool is_sanitized = true;
#else
constexpr bool is_sanitized = false;
#endif

constexpr char own_processes[] = "/proc/self";

// Programs, and what libraries look at while they are loaded or first used.
constexpr const char* always_readable[] = {
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/lib", // where it is no link to /usr/lib
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/ssl/openssl.cnf",
    "/usr/share/zoneinfo",
    "/dev/null",
    "/dev/urandom",
    own_processes,
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/sys/vm",
    "/sys/devices/system",
    "/sys/fs/cgroup", // limits of memory and CPU
    "/sys/kernel/mm/transparent_hugepage",
};

// What Mesa, its Vulkan loader and the makers' own drivers read.
constexpr const char* readable_for_devices[] = {
    "/usr/share/vulkan", "/usr/share/drirc.d", "/usr/share/libdrm", "/etc/vulkan",
    "/etc/OpenCL",       "/sys/dev/char",      "/sys/devices",      "/sys/bus/pci",
    "/sys/class",        "/proc/driver",       "/proc/devices",
};
constexpr const char* devices[] = {
    "/dev/dri",     "/dev/kfd",     "/dev/accel",   "/dev/nvidiactl", "/dev/nvidia-uvm",
    "/dev/nvidia0", "/dev/nvidia1", "/dev/nvidia2", "/dev/nvidia3",   "/dev/nvidia-uvm-tools",
};

class Permissions {
  public:
    Permissions(const Ruleset& ruleset, const base::Log& log) : ruleset_(ruleset), log_(log) {}

    // Not every system has all of them.
    void if_there(std::span<const char* const> paths, Access access) const {
        for (const char* const path : paths) {
            const auto allowed = ruleset_.allow(path, access);
            if (!allowed && allowed.error().number != ENOENT) { say(allowed.error()); }
        }
    }
    void wanted(const std::string& path, Access access) const {
        if (const auto allowed = ruleset_.allow(path.c_str(), access); !allowed) { say(allowed.error()); }
    }

  private:
    void say(const base::Error& error) const {
        log_.warning("the runtime will have no access: ", base::describe(error).view());
    }

    const Ruleset& ruleset_;
    const base::Log& log_;
};

// The version of Landlock that is in force; 0: none.
int restrict_files(const Needs& needs, const base::Log& log) {
    const auto ruleset = Ruleset::create();
    if (!ruleset) {
        log.notice("files are not confined, this kernel has no Landlock: ",
                   base::describe(ruleset.error()).view());
        return 0;
    }
    const Permissions permit(*ruleset, log);
    permit.if_there(always_readable, Access::read);
    for (const std::string& path : needs.readable) {
        permit.wanted(path, Access::read);
    }
    if (!needs.kept.empty()) { permit.if_there({{needs.kept.c_str()}}, Access::keep); }
    if (needs.devices) {
        permit.if_there(readable_for_devices, Access::read);
        permit.if_there(devices, Access::device);
    }
    if (const auto enforced = ruleset->enforce(); !enforced) {
        log.warning("files are not confined: ", base::describe(enforced.error()).view());
        return 0;
    }
    return ruleset->abi();
}

} // namespace

Confinement confine(const Needs& needs, const base::Log& log) {
    Confinement confinement;
    if constexpr (is_sanitized) {
        log.notice("not confined: the sanitizers of this build need what the sandbox refuses");
        return confinement;
    }
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        log.warning(base::describe(base::system_error("set", "no_new_privs").error()).view());
        return confinement;
    }
    confinement.own_processes.reset(::open(own_processes, O_PATH | O_DIRECTORY | O_CLOEXEC));
    confinement.landlock_abi = restrict_files(needs, log);
    const auto filtered = restrict_system_calls(needs.devices);
    confinement.is_filtered = filtered.has_value();
    if (!filtered) { log.notice("system calls are not confined: ", base::describe(filtered.error()).view()); }
    return confinement;
}

} // namespace vb::sandbox
