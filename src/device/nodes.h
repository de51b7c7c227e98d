// The device nodes, for a machine whose /dev is not a devtmpfs: those that every program expects, and those of the
// devices that sysfs knows of or the kernel tells of. What is there already is left alone. mknod(2) in a tmpfs does
// not wait for anything, so PID 1 does this itself.
#pragma once

#include "base/log.h"
#include "device/uevent.h"
#include "sys/kernel.h"

namespace vb::device {

struct NodePlaces {
    const char* nodes = "/dev";
    const char* devices = "/sys/dev"; // block and char, with a link for each device's number
};

// null, zero, full, random, urandom, tty, console, kmsg; the links ptmx, fd, stdin, stdout, stderr; and all devices.
// Returns how many could not be made; each is a line of the log.
int make_nodes(sys::Kernel& kernel, const base::Log& log, const NodePlaces& places = {}) noexcept;

// Makes the node of a device that has come, and removes that of one that has gone.
void follow(sys::Kernel& kernel, const base::Log& log, const Uevent& event,
            const NodePlaces& places = {}) noexcept;

} // namespace vb::device
