// What makes a usable machine of a booted kernel, beyond the mounts that every machine has: what config.toml says of
// its name, its kernel's parameters and its disks. A fault in any of it is a line of the log; the rest goes on.
#pragma once

#include "base/log.h"
#include "config/config.h"
#include "sys/kernel.h"

namespace vb::init {

void set_hostname(sys::Kernel& kernel, const base::Log& log, const config::Machine& machine) noexcept;
void set_parameters(sys::Kernel& kernel, const base::Log& log,
                    const std::map<std::string, std::string>& parameters) noexcept;

// Mounts what is configured, in its order. A disk may take its time, so this is for a child. Returns its exit status.
int mount_configured(sys::Kernel& kernel, const base::Log& log,
                     const std::vector<config::Mount>& mounts) noexcept;

// "net.ipv4.ip_forward" is /proc/sys/net/ipv4/ip_forward; where the first separator is a slash, dots are dots
// ("net/ipv4/conf/eth0.1/forwarding"), as in sysctl(8).
base::Text<255> parameter_path(std::string_view name) noexcept;

// "ro,noatime,data=journal" of fstab(5) to the flags of mount(2); the rest is for the file system.
struct MountOptions {
    unsigned long flags = 0;
    base::Text<1023> data;
};
MountOptions parse_mount_options(std::string_view options) noexcept;

} // namespace vb::init
