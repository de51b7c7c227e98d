// Which device is meant, in one line of text as it stands in a configuration:
//   file:/path[?interrupt=/path]   a plain file that stands for a block of registers, and a FIFO for its interrupt
//   pci:VENDOR:DEVICE              in hexadecimal; registers by sysfs, the interrupt by UIO
//   pci:DDDD:BB:DD.F
//   vfio:VENDOR:DEVICE             the same devices by VFIO: with MSI and DMA
//   vfio:DDDD:BB:DD.F
//   uio:NAME                       what its driver calls it, or uioN
//   path:/sys/devices/...          a device that has UIO, by its place
//   gpio:CHIP:LINE[?OPTIONS]       a GPIO line: gpiochipN or the chip's label, and the line's number or name
//   gpio::LINE[?OPTIONS]           the line of that name, whichever chip has it
//   input:NAME                     keys, buttons, axes: eventN, or what the device calls itself
// OPTIONS of a line, with & between them: direction=input|output, active_low=0|1, bias=off|pull_up|pull_down; of an input
// edges=rising|falling|both and debounce=MICROSECONDS; of an output value=0|1 and drive=push_pull|open_drain|open_source.
// Only the text is looked at here, never the machine.
#pragma once

#include "base/error.h"
#include "hardware/gpio_options.h"

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
    enum class Kind : unsigned char { file, pci, vfio, uio, path, gpio, input };

    Kind kind{};
    std::string text;      // as it was written
    std::string object;    // the path, or the name of uio and input
    PciName pci;           // of pci and vfio
    std::string interrupt; // of a file: the FIFO
    GpioName gpio;
    GpioOptions gpio_options;
};

base::Result<Specification> parse_specification(std::string_view text);

// "it is a GPIO line: ... opens it", for whoever was given one in the place of something else.
std::string_view explain(Specification::Kind kind) noexcept;

} // namespace vb::hardware
