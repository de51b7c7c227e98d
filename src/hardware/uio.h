// Devices of the kernel's UIO: uio0 and so on, each with the memory that its driver shows and the count of its
// interrupts.
#pragma once

#include "hardware/sysfs.h"

namespace vb::hardware {

struct UioDevice {
    std::string number; // "uio0"
    std::string name;   // as its driver calls it
    std::string path;   // its directory in sysfs
    std::string node;   // in /dev
};

// By its driver's name for it, or by its number.
Result<UioDevice> find_uio_device(const std::string& name, const Roots& roots);
// The one that belongs to the device whose directory this is; no value: none does.
std::optional<UioDevice> uio_device_of(const std::string& device_path, const Roots& roots);

} // namespace vb::hardware
