// A PCI device by VFIO: its registers, message-signaled interrupts and DMA, all of which the IOMMU keeps within what the
// process may touch. The device is bound to vfio-pci beforehand (hardware/pci_driver.h).
// The kernel cannot take a device away that somebody has open. When it wants to, the descriptor of removal() becomes
// readable: then the device, and every region mapped from it, is to be destroyed. Accesses in the meantime are errors
// or all ones. DMA buffers and interrupts may outlive it, and are of no use then.
#pragma once

#include "hardware/device.h"
#include "hardware/dma.h"
#include "hardware/ioctl.h"
#include "hardware/pci.h"

#include <span>

namespace vb::hardware {

class VfioDevice final : public Device {
  public:
    static Result<std::unique_ptr<VfioDevice>> open(const PciName& name, const Roots& roots = {},
                                                    Ioctl& ioctl = native_ioctl());

    // The first message-signaled one, or where the device has none the line of PCI, which is to be armed each time.
    Result<Interrupt> interrupt() const override;
    // Of MSI-X, or of MSI where there is no MSI-X: the first `count` of them. Those that were there before are replaced.
    Result<std::vector<Interrupt>> message_interrupts(unsigned count) const;
    Result<Interrupt> removal() const override;
    // Errors that PCI Express reports: the device is to be reset, or given up.
    Result<Interrupt> error_reports() const;

    Result<DmaBuffer> allocate_dma(std::size_t size, std::uint64_t mask) override;
    // Whether the device may write to memory, by DMA or a message; on from the first interrupt or buffer.
    Result<> set_bus_master(bool enabled) const;
    Result<> reset() const;

    Result<std::uint32_t> read_configuration(Width width, std::uint64_t offset) const;
    Result<> write_configuration(Width width, std::uint64_t offset, std::uint32_t value) const;

    bool is_present() const override { return exists(pci_.path); }

  private:
    // What is where in the device's descriptor.
    struct Layout {
        std::vector<RegionInformation> regions;
        std::vector<std::uint64_t> offsets; // of them, in the same order
        Extent configuration;
    };
    // Of the kernel; closed from the last to the first.
    struct Handles {
        std::shared_ptr<DmaSpace> space;
        base::UniqueFd group;
        std::shared_ptr<base::UniqueFd> device;
    };

    VfioDevice(PciDevice pci, Handles handles, Layout layout, Ioctl& ioctl);

    static Result<Handles> open_handles(const PciDevice& pci, const Roots& roots, Ioctl& ioctl);
    static Result<Layout> read_layout(int device, const std::string& name, Ioctl& ioctl);

    Result<Region> map_region(const RegionInformation& region, Access access,
                              std::string_view name) const override;
    Result<unsigned> interrupt_count(unsigned index) const;
    Result<std::vector<Interrupt>> open_interrupts(unsigned index, unsigned count,
                                                   const std::string& what) const;
    Result<Interrupt> open_one(unsigned index, const std::string& what) const;
    Result<Interrupt> open_line() const;

    PciDevice pci_;
    Handles handles_;
    std::vector<std::uint64_t> offsets_;
    Extent configuration_;
    Ioctl& ioctl_;
};

} // namespace vb::hardware
