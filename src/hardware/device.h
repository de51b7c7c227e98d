// A device that this process drives itself: its regions, its interrupt, and what it is called. Opening says what is wrong in the words
// of the person who wrote the specification: no such device and what is there instead, no driver, no permission.
// It must never load a module, bind a driver (hardware/pci_driver.h does, when told to) or keep a device from going:
// one that is gone is an error of the next call.
#pragma once

#include "hardware/dma.h"
#include "hardware/interrupt.h"
#include "hardware/region.h"
#include "hardware/specification.h"
#include "hardware/sysfs.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace vb::hardware {

struct RegionInformation {
    unsigned index = 0; // the number of the BAR or of UIO's map
    std::string name;   // as the driver calls it, "bar0", "file"
    std::uint64_t size = 0;
    bool is_mappable = true; // else I/O ports, or less than a page
};

class Device {
  public:
    virtual ~Device() = default;
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;

    // How it is found again: "pci:0000:00:04.0", "uio:uio0", "file:/dev/shm/registers".
    const std::string& name() const noexcept { return name_; }
    const std::vector<RegionInformation>& regions() const noexcept { return regions_; }
    // The region stays when the device object goes.
    Result<Region> map(unsigned index, Access access = Access::read_write) const;
    // As a descriptor for an event loop, armed.
    virtual Result<Interrupt> interrupt() const = 0;
    // Readable when the kernel wants the device back from us: VFIO's.
    virtual Result<Interrupt> removal() const;
    // Memory that the device may reach, whose addresses for it have no bits but those of `mask`: VFIO's.
    virtual Result<DmaBuffer> allocate_dma(std::size_t size, std::uint64_t mask);
    // Whether it is still there, as far as the kernel knows.
    virtual bool is_present() const = 0;

  protected:
    Device(std::string name, std::vector<RegionInformation> regions)
        : name_(std::move(name)), regions_(std::move(regions)) {}

    virtual Result<Region> map_region(const RegionInformation& region, Access access,
                                      std::string_view name) const = 0;

  private:
    std::string name_;
    std::vector<RegionInformation> regions_;
};

Result<std::unique_ptr<Device>> open_device(std::string_view specification, const Roots& roots = {});
// Whether open_device() takes the text, wherever the device is.
Result<> check_device(std::string_view specification);

// What open_device() chooses from.
Result<std::unique_ptr<Device>> open_register_file(const Specification& specification);
Result<std::unique_ptr<Device>> open_pci_device(const Specification& specification, const Roots& roots);
Result<std::unique_ptr<Device>> open_uio_device(const Specification& specification, const Roots& roots);
Result<std::unique_ptr<Device>> open_vfio_device(const Specification& specification, const Roots& roots);

} // namespace vb::hardware
