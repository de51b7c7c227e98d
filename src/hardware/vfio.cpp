#include "hardware/vfio.h"

#include <algorithm>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <unistd.h>

namespace vb::hardware {

namespace {

// It has to be vfio-pci, or one of those made for one kind of device: mlx5_vfio_pci.
bool is_vfio(std::string_view driver) {
    return driver == "vfio-pci" || driver.ends_with("_vfio_pci") || driver.ends_with("-vfio-pci");
}

Result<> check_prepared(const PciDevice& pci) {
    const std::string name = "vfio:" + pci.address;
    if (!is_vfio(pci.driver)) {
        const std::string found = pci.driver.empty() ? "it has no driver" : "its driver is " + pci.driver;
        return base::failure("open", name, found + ", it is to be bound to vfio-pci");
    }
    if (pci.iommu_group.empty()) {
        return base::failure("open", name,
                             "there is no IOMMU for it; it may have to be enabled, as by intel_iommu=on");
    }
    return {};
}

Result<base::UniqueFd> open_container(const Roots& roots, Ioctl& ioctl) {
    const std::string path = roots.dev + "/vfio/vfio";
    auto container = open_file(path, O_RDWR);
    if (!container) { return container; }
    const int version = ioctl.call(container->get(), VFIO_GET_API_VERSION);
    if (version != VFIO_API_VERSION) {
        return base::failure("open", path,
                             "its interface has version " + std::to_string(version) + ", expected " +
                                 std::to_string(VFIO_API_VERSION));
    }
    return container;
}

// The devices that share an IOMMU group are handed out together.
Result<base::UniqueFd> open_group(const PciDevice& pci, const Roots& roots, Ioctl& ioctl) {
    const std::string path = roots.dev + "/vfio/" + pci.iommu_group;
    auto group = open_file(path, O_RDWR);
    if (!group) {
        if (group.error().number == EBUSY) { group.error().detail << "another process has it"; }
        return group;
    }
    vfio_group_status status{};
    status.argsz = sizeof status;
    if (ioctl.call(group->get(), VFIO_GROUP_GET_STATUS, &status) != 0) {
        return base::system_error("ask the group", path);
    }
    if ((status.flags & VFIO_GROUP_FLAGS_VIABLE) == 0) {
        return base::failure("open", path,
                             "all devices of this group are to be bound to vfio-pci: " +
                                 join(names_in(pci.path + "/iommu_group/devices"), "unknown"));
    }
    return group;
}

Result<> set_iommu(int container, int group, const std::string& path, Ioctl& ioctl) {
    int handed = container;
    if (ioctl.call(group, VFIO_GROUP_SET_CONTAINER, &handed) != 0) {
        return base::system_error("use the group", path);
    }
    // Type 1 in its second version maps and unmaps exactly what it is told.
    if (ioctl.call(container, VFIO_CHECK_EXTENSION, std::uintptr_t{VFIO_TYPE1v2_IOMMU}) <= 0) {
        return base::failure("use the group", path, "its IOMMU is not of type 1");
    }
    if (ioctl.call(container, VFIO_SET_IOMMU, std::uintptr_t{VFIO_TYPE1v2_IOMMU}) != 0) {
        return base::system_error("use the IOMMU of", path);
    }
    return {};
}

std::uint32_t all_bits(Width width) {
    return width == Width::bits8 ? 0xffU : width == Width::bits16 ? 0xffffU : 0xffffffffU;
}

} // namespace

Result<VfioDevice::Handles> VfioDevice::open_handles(const PciDevice& pci, const Roots& roots, Ioctl& ioctl) {
    auto container = open_container(roots, ioctl);
    if (!container) { return std::unexpected(container.error()); }
    auto group = open_group(pci, roots, ioctl);
    if (!group) { return std::unexpected(group.error()); }
    const std::string path = roots.dev + "/vfio/" + pci.iommu_group;
    if (const auto set = set_iommu(container->get(), group->get(), path, ioctl); !set) {
        return std::unexpected(set.error());
    }
    auto space = DmaSpace::open(std::move(*container), ioctl);
    if (!space) { return std::unexpected(space.error()); }
    const int device = ioctl.call(group->get(), VFIO_GROUP_GET_DEVICE_FD, pci.address.c_str());
    if (device < 0) { return base::system_error("open", "vfio:" + pci.address); }
    return Handles{.space = std::move(*space),
                   .group = std::move(*group),
                   .device = std::make_shared<base::UniqueFd>(device)};
}

Result<VfioDevice::Layout> VfioDevice::read_layout(int device, const std::string& name, Ioctl& ioctl) {
    Layout layout;
    for (unsigned index = VFIO_PCI_BAR0_REGION_INDEX; index <= VFIO_PCI_CONFIG_REGION_INDEX; ++index) {
        if (index == VFIO_PCI_ROM_REGION_INDEX) { continue; }
        vfio_region_info region{};
        region.argsz = sizeof region;
        region.index = index;
        if (ioctl.call(device, VFIO_DEVICE_GET_REGION_INFO, &region) != 0) {
            return base::system_error("ask for the regions of", name);
        }
        if (index == VFIO_PCI_CONFIG_REGION_INDEX) {
            layout.configuration = {.offset = region.offset, .size = static_cast<std::size_t>(region.size)};
        } else if (region.size != 0) {
            layout.offsets.push_back(region.offset);
            layout.regions.push_back({.index = index,
                                      .name = "bar" + std::to_string(index),
                                      .size = region.size,
                                      .is_mappable = (region.flags & VFIO_REGION_INFO_FLAG_MMAP) != 0});
        }
    }
    return layout;
}

VfioDevice::VfioDevice(PciDevice pci, Handles handles, Layout layout, Ioctl& ioctl)
    : Device("vfio:" + pci.address, std::move(layout.regions)), pci_(std::move(pci)),
      handles_(std::move(handles)), offsets_(std::move(layout.offsets)), configuration_(layout.configuration),
      ioctl_(ioctl) {}

Result<std::unique_ptr<VfioDevice>> VfioDevice::open(const PciName& name, const Roots& roots, Ioctl& ioctl) {
    auto pci = find_pci_device(name, roots);
    if (!pci) { return std::unexpected(pci.error()); }
    if (const auto prepared = check_prepared(*pci); !prepared) { return std::unexpected(prepared.error()); }
    auto handles = open_handles(*pci, roots, ioctl);
    if (!handles) { return std::unexpected(handles.error()); }
    auto layout = read_layout(handles->device->get(), "vfio:" + pci->address, ioctl);
    if (!layout) { return std::unexpected(layout.error()); }
    return std::unique_ptr<VfioDevice>(
        new VfioDevice(std::move(*pci), std::move(*handles), std::move(*layout), ioctl));
}

Result<std::unique_ptr<Device>> open_vfio_device(const Specification& specification, const Roots& roots) {
    return VfioDevice::open(specification.pci, roots);
}

Result<Region> VfioDevice::map_region(const RegionInformation& region, Access access,
                                      std::string_view name) const {
    const auto at = std::ranges::find(regions(), region.index, &RegionInformation::index) - regions().begin();
    return Region::map(
        handles_.device->get(),
        {.offset = offsets_[static_cast<std::size_t>(at)], .size = static_cast<std::size_t>(region.size)},
        access, name);
}

Result<DmaBuffer> VfioDevice::allocate_dma(std::size_t size, std::uint64_t mask) {
    if (const auto enabled = set_bus_master(true); !enabled) { return std::unexpected(enabled.error()); }
    return handles_.space->allocate(size, mask);
}

Result<> VfioDevice::set_bus_master(bool enabled) const {
    const auto command = read_configuration(Width::bits16, PCI_COMMAND);
    if (!command) { return std::unexpected(command.error()); }
    const std::uint32_t wanted =
        enabled ? *command | PCI_COMMAND_MASTER : *command & ~unsigned{PCI_COMMAND_MASTER};
    if (wanted == *command) { return {}; }
    return write_configuration(Width::bits16, PCI_COMMAND, wanted);
}

Result<> VfioDevice::reset() const {
    if (ioctl_.call(handles_.device->get(), VFIO_DEVICE_RESET) == 0) { return {}; }
    return base::system_error("reset", name());
}

namespace {

Result<> check_configuration(const std::string& name, Width width, std::uint64_t offset, std::size_t size) {
    const auto bytes = static_cast<std::uint64_t>(width);
    if (bytes <= 4 && offset < size && size - offset >= bytes && offset % bytes == 0) { return {}; }
    base::Text<127> words;
    words << bytes * 8 << " bits at offset 0x";
    words.append(offset, 16) << " are not aligned, more than 32, or beyond its 0x";
    words.append(size, 16) << " bytes";
    return base::failure("access the configuration of", name, words);
}

} // namespace

Result<std::uint32_t> VfioDevice::read_configuration(Width width, std::uint64_t offset) const {
    if (auto valid = check_configuration(name(), width, offset, configuration_.size); !valid) {
        return std::unexpected(valid.error());
    }
    std::uint32_t value = 0;
    const auto bytes = static_cast<std::size_t>(width);
    const auto at = static_cast<off_t>(configuration_.offset + offset);
    if (::pread(handles_.device->get(), &value, bytes, at) != static_cast<ssize_t>(bytes)) {
        return base::system_error("read the configuration of", name());
    }
    return value;
}

Result<> VfioDevice::write_configuration(Width width, std::uint64_t offset, std::uint32_t value) const {
    if (auto valid = check_configuration(name(), width, offset, configuration_.size); !valid) {
        return valid;
    }
    value &= all_bits(width);
    const auto bytes = static_cast<std::size_t>(width);
    const auto at = static_cast<off_t>(configuration_.offset + offset);
    if (::pwrite(handles_.device->get(), &value, bytes, at) != static_cast<ssize_t>(bytes)) {
        return base::system_error("write the configuration of", name());
    }
    return {};
}

} // namespace vb::hardware
