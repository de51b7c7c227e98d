#include "hardware/pci.h"

namespace vb::hardware {

namespace {

constexpr char finding[] = "find the device";
constexpr unsigned bar_count = 6;
constexpr std::uint64_t is_memory = 0x200; // IORESOURCE_MEM of the kernel, which has no header for it here

Result<PciDevice> describe_device(const std::string& address, const Roots& roots) {
    PciDevice found;
    found.address = address;
    found.path = roots.sys + "/bus/pci/devices/" + address;
    const auto vendor = read_number(found.path + "/vendor");
    if (!vendor) { return std::unexpected(vendor.error()); }
    const auto device = read_number(found.path + "/device");
    if (!device) { return std::unexpected(device.error()); }
    found.vendor = static_cast<std::uint16_t>(*vendor);
    found.device = static_cast<std::uint16_t>(*device);
    found.driver = link_target_name(found.path + "/driver");
    found.iommu_group = link_target_name(found.path + "/iommu_group");
    return found;
}

} // namespace

Result<PciDevice> find_pci_device(const PciName& name, const Roots& roots) {
    std::vector<PciDevice> matching;
    std::vector<std::string> matching_names;
    std::vector<std::string> all_names;
    for (const std::string& address : names_in(roots.sys + "/bus/pci/devices")) {
        auto found = describe_device(address, roots);
        if (!found) { continue; } // gone since the directory was read
        const bool is_meant = name.address.empty()
                                  ? found->vendor == name.vendor && found->device == name.device
                                  : address == name.address;
        all_names.push_back(address + " (" + found->identity().text() + ")");
        if (!is_meant) { continue; }
        matching_names.push_back(address);
        matching.push_back(std::move(*found));
    }
    if (matching.empty()) {
        return base::failure(finding, "pci:" + name.text(),
                             "there is no such device; there is " + join(all_names, "no PCI device at all"));
    }
    if (matching.size() > 1) {
        return base::failure(finding, "pci:" + name.text(),
                             "there are several, say which by its address: " + join(matching_names, ""));
    }
    return std::move(matching.front());
}

Result<std::vector<PciResource>> pci_resources(const PciDevice& device) {
    const std::string path = device.path + "/resource";
    const auto text = read_attribute(path);
    if (!text) { return std::unexpected(text.error()); }
    std::vector<PciResource> resources;
    std::string_view rest = *text;
    for (unsigned index = 0; index < bar_count; ++index) {
        std::string_view line = base::take_until(rest, '\n'); // "0xSTART 0xEND 0xFLAGS"
        const auto start = parse_digits(base::take_until(line, ' '), 16);
        const auto end = parse_digits(base::take_until(line, ' '), 16);
        const auto flags = parse_digits(line, 16);
        if (!start || !end || !flags || *end < *start) {
            return base::failure("read", path, "line " + std::to_string(index + 1) + " makes no sense");
        }
        if (*end == 0) { continue; } // not implemented, or the upper half of one of 64 bits
        resources.push_back(
            {.index = index, .size = *end - *start + 1, .is_memory = (*flags & is_memory) != 0});
    }
    return resources;
}

} // namespace vb::hardware
