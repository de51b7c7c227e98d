// PCI devices as sysfs shows them.
#pragma once

#include "hardware/specification.h"
#include "hardware/sysfs.h"

namespace vb::hardware {

struct PciDevice {
    std::string address;
    std::string path; // its directory
    std::uint16_t vendor = 0;
    std::uint16_t device = 0;
    std::string driver;      // empty: none
    std::string iommu_group; // a number; empty: there is no IOMMU

    PciName identity() const { return {.address = {}, .vendor = vendor, .device = device}; }
};

// One BAR.
struct PciResource {
    unsigned index = 0;
    std::uint64_t size = 0;
    bool is_memory = false; // else I/O ports
};

// Exactly one; where there is none, the error says what there is, and where there are several, which.
Result<PciDevice> find_pci_device(const PciName& name, const Roots& roots);

Result<std::vector<PciResource>> pci_resources(const PciDevice& device);

} // namespace vb::hardware
