// Kernel modules for the devices that there are: what modprobe and udev do for them. It reads files, allocates and
// waits for drivers, so it runs in a child of PID 1, never in PID 1.
#pragma once

#include "base/log.h"
#include "device/module_rules.h"
#include "sys/module_file.h"

#include <span>
#include <string_view>

namespace vb::device {

struct ModuleOptions {
    const char* releases = "/lib/modules"; // has a folder for each kernel, named by its release
    const char* devices = "/sys/devices";
    const char* loaded = "/sys/module";
    const char* command_line = "/proc/cmdline";
    std::span<const char* const> rules = rule_directories;
    base::Result<> (*insert)(const char* path, const char* parameters) noexcept = sys::insert_module;
};

// Loads the modules for every device in sysfs. Returns an exit status: 0, or 1 if one could not be loaded. A kernel
// that has no modules needs none.
int coldplug(const ModuleOptions& options, const base::Log& log) noexcept;

// Loads the modules for these aliases, or of these names. 1 also if there is no
// such name; an alias that nothing answers to is common.
int load(const ModuleOptions& options, std::span<const std::string_view> names,
         const base::Log& log) noexcept;

} // namespace vb::device
