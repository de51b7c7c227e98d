// Which device is meant, in one line of text as it stands in a configuration:
//   file:/path[?interrupt=/path]   a plain file that stands for a block of registers, and a FIFO for its interrupt
//   pci:VENDOR:DEVICE              in hexadecimal; registers by sysfs, the interrupt by UIO
//   pci:DDDD:BB:DD.F
//   vfio:VENDOR:DEVICE             the same devices by VFIO: with MSI and DMA
//   vfio:DDDD:BB:DD.F
//   uio:NAME                       what its driver calls it, or uioN
//   path:/sys/devices/...          a device that has UIO, by its place
// Only the text is looked at here, never the machine.
#pragma once

#include "base/error.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace vb::hardware {

struct PciName {
    std::string address; // "0000:00:04.0"; empty: by its numbers
    std::uint16_t vendor = 0;
    std::uint16_t device = 0;

    std::string text() const;
};

struct Specification {
    enum class Kind : unsigned char { file, pci, vfio, uio, path };

    Kind kind{};
    std::string text;      // as it was written
    std::string object;    // the path, or UIO's name
    PciName pci;           // of pci and vfio
    std::string interrupt; // of a file: the FIFO
};

base::Result<Specification> parse_specification(std::string_view text);

} // namespace vb::hardware
