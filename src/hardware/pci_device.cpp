// Registers of a PCI device by sysfs: with whatever driver it has, or none.
#include "hardware/device.h"
#include "hardware/pci.h"

#include <fcntl.h>

namespace vb::hardware {

namespace {

class PciRegisters final : public Device {
  public:
    PciRegisters(PciDevice device, std::vector<RegionInformation> regions, const Roots& roots)
        : Device("pci:" + device.address, std::move(regions)), device_(std::move(device)), roots_(roots) {}

    Result<Interrupt> interrupt() const override {
        if (const auto uio = uio_device_of(device_.path, roots_)) { return Interrupt::open_uio(*uio); }
        const std::string lacking = device_.driver.empty()
                                        ? "it has no driver that passes interrupts on"
                                        : "its driver " + device_.driver + " passes none on";
        return base::failure("open the interrupt", name(),
                             lacking + "; bind uio_pci_generic, or take it as vfio:" + device_.address);
    }
    bool is_present() const override { return exists(device_.path); }

  private:
    Result<Region> map_region(const RegionInformation& region, Access access,
                              std::string_view name) const override {
        const std::string path = device_.path + "/resource" + std::to_string(region.index);
        // O_SYNC: without it some processors would map the registers cached.
        const auto file = open_file(path, (access == Access::read_write ? O_RDWR : O_RDONLY) | O_SYNC);
        if (!file) { return std::unexpected(file.error()); }
        auto mapped = Region::map(file->get(), {.size = static_cast<std::size_t>(region.size)}, access, name);
        if (!mapped && mapped.error().number == EINVAL && !device_.driver.empty()) {
            mapped.error().detail << "the kernel keeps it for its driver " << device_.driver;
        }
        return mapped;
    }

    PciDevice device_;
    Roots roots_;
};

// A device without a driver may be switched off: all its registers would read as ones. It stays on when we go, as
// nobody is there to want it otherwise.
Result<> switch_on(const PciDevice& device) {
    const std::string path = device.path + "/enable";
    if (!device.driver.empty() || !exists(path)) { return {}; }
    const auto count = read_number(path);
    if (!count) { return std::unexpected(count.error()); }
    return *count > 0 ? Result<>() : write_attribute(path, "1");
}

} // namespace

Result<std::unique_ptr<Device>> open_pci_device(const Specification& specification, const Roots& roots) {
    auto device = find_pci_device(specification.pci, roots);
    if (!device) { return std::unexpected(device.error()); }
    const auto resources = pci_resources(*device);
    if (!resources) { return std::unexpected(resources.error()); }
    if (const auto switched = switch_on(*device); !switched) { return std::unexpected(switched.error()); }
    std::vector<RegionInformation> regions;
    for (const PciResource& resource : *resources) {
        regions.push_back({.index = resource.index,
                           .name = "bar" + std::to_string(resource.index),
                           .size = resource.size,
                           .is_mappable = resource.is_memory});
    }
    return std::make_unique<PciRegisters>(std::move(*device), std::move(regions), roots);
}

} // namespace vb::hardware
