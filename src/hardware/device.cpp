#include "hardware/device.h"

#include <algorithm>

namespace vb::hardware {

Result<Region> Device::map(unsigned index, Access access) const {
    const auto region = std::ranges::find(regions_, index, &RegionInformation::index);
    if (region == regions_.end()) {
        std::vector<std::string> there;
        there.reserve(regions_.size());
        for (const RegionInformation& one : regions_) {
            there.push_back(std::to_string(one.index) + " (" + one.name + ")");
        }
        return base::failure(
            "map", name_, "it has no region " + std::to_string(index) + "; there is " + join(there, "none"));
    }
    const std::string region_name = name_ + " " + region->name;
    if (!region->is_memory) { return base::failure("map", region_name, "it is I/O ports, not memory"); }
    return map_region(*region, access, region_name);
}

Result<std::unique_ptr<Device>> open_device(std::string_view text, const Roots& roots) {
    const auto specification = parse_specification(text);
    if (!specification) { return std::unexpected(specification.error()); }
    switch (specification->kind) {
    case Specification::Kind::file:
        return open_register_file(*specification);
    case Specification::Kind::pci:
        return open_pci_device(*specification, roots);
    case Specification::Kind::uio:
    case Specification::Kind::path:
        return open_uio_device(*specification, roots);
    case Specification::Kind::vfio:
        break;
    }
    return base::failure("open", text, "VFIO is not supported yet");
}

} // namespace vb::hardware
