#include "hardware/device.h"

#include <algorithm>

namespace vb::hardware {

namespace {

using Kind = Specification::Kind;

std::unexpected<base::Error> fail_kind(std::string_view text, Kind kind) {
    return base::failure("open the device", text, explain(kind));
}

} // namespace

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
    if (!region->is_mappable) {
        return base::failure("map", region_name, "it cannot be mapped: it is I/O ports, or less than a page");
    }
    return map_region(*region, access, region_name);
}

Result<Interrupt> Device::removal() const {
    return base::failure("open the interrupt", name_, "only a vfio: device is asked for before it goes");
}

Result<DmaBuffer> Device::allocate_dma(std::size_t, std::uint64_t) {
    return base::failure("allocate for DMA", name_, "only a vfio: device has memory that it may reach");
}

Result<std::unique_ptr<Device>> open_device(std::string_view text, const Roots& roots) {
    const auto specification = parse_specification(text);
    if (!specification) { return std::unexpected(specification.error()); }
    switch (specification->kind) {
    case Kind::file:
        return open_register_file(*specification);
    case Kind::pci:
        return open_pci_device(*specification, roots);
    case Kind::uio:
    case Kind::path:
        return open_uio_device(*specification, roots);
    case Kind::vfio:
        return open_vfio_device(*specification, roots);
    case Kind::gpio:
    case Kind::input:
        break;
    }
    return fail_kind(text, specification->kind);
}

Result<> check_device(std::string_view text) {
    const auto specification = parse_specification(text);
    if (!specification) { return std::unexpected(specification.error()); }
    const bool is_other = specification->kind == Kind::gpio || specification->kind == Kind::input;
    return is_other ? Result<>(fail_kind(text, specification->kind)) : Result<>();
}

} // namespace vb::hardware
