// A kernel with VFIO and one device behind an IOMMU, as far as ioctl(2) shows them: registers and configuration are in a
// memory file, interrupts are the eventfds that it was given, and DMA reaches only what was mapped.
#pragma once

#include "hardware/ioctl.h"
#include "unit/hardware/scratch.h"

#include <map>
#include <string>
#include <vector>

namespace vb::hardware {

class SimulatedVfio final : public Ioctl {
  public:
    SimulatedVfio();
    int call(int fd, unsigned long request, std::uintptr_t argument) noexcept override;
    using Ioctl::call;

    static constexpr std::uint64_t region_stride = 1 << 20; // of the device's descriptor
    static constexpr std::size_t bar_size = 8192;
    static constexpr unsigned configuration_region = 7;

    // What the device does.
    void raise(unsigned index, unsigned number = 0) const;
    bool copy(std::uint64_t from, std::uint64_t to, std::size_t size) const; // by DMA; false: a fault
    void unplug() const { EXPECT_EQ(::ftruncate(device.get(), 0), 0); }
    std::uint16_t command() const; // of the configuration space
    // Descriptors of the device that are open.
    std::size_t open_count() const;

    // What there is, to be changed before it is asked.
    int version = 0;
    bool is_viable = true;
    bool has_type1 = true;
    std::string name = "0000:00:04.0";
    std::map<unsigned, unsigned> interrupt_counts{{0, 1}, {1, 1}, {4, 1}}; // INTx, MSI, removal
    std::map<unsigned long, int> failing;                                  // errno for a request
    bool says_ranges = true;

    // What was asked for.
    std::vector<unsigned long> requests;
    struct Mapping {
        std::uintptr_t memory;
        std::size_t size;
    };
    std::map<std::uint64_t, Mapping> mappings; // by address
    int unmasked = 0;
    int resets = 0;

    base::UniqueFd device;

  private:
    int answer(unsigned long request, std::uintptr_t argument);
    int open_device(const char* wanted) const;
    int describe_region(std::uintptr_t argument) const;
    int describe_interrupt(std::uintptr_t argument) const;
    int describe_iommu(std::uintptr_t argument) const;
    int set_interrupts(std::uintptr_t argument);
    int map(std::uintptr_t argument);
    int unmap(std::uintptr_t argument);
    const std::byte* reach(std::uint64_t place, std::size_t size) const;

    std::map<unsigned, std::vector<base::UniqueFd>> eventfds_; // by index
};

} // namespace vb::hardware
