// Which driver a PCI device has: it is given one by name, whatever its numbers are, and given back. This takes the
// device away from whoever has it, so it happens only when somebody asks for it by this function.
#pragma once

#include "hardware/pci.h"

namespace vb::hardware {

// "vfio-pci", "uio_pci_generic": its module is to be loaded already. Nothing is done where the device has it.
Result<> bind_driver(const PciDevice& device, const std::string& driver, const Roots& roots = {});

// The kernel chooses again, as if nobody had asked for another.
Result<> bind_own_driver(const PciDevice& device, const Roots& roots = {});

} // namespace vb::hardware
