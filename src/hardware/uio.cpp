#include "hardware/uio.h"

#include "hardware/device.h"

#include <fcntl.h>
#include <unistd.h>

namespace vb::hardware {

namespace {

UioDevice describe_device(const std::string& number, const Roots& roots) {
    const std::string path = roots.sys + "/class/uio/" + number;
    return {.number = number,
            .name = read_attribute(path + "/name").value_or(""),
            .path = path,
            .node = roots.dev + "/" + number};
}

class UioRegisters final : public Device {
  public:
    UioRegisters(UioDevice device, std::vector<RegionInformation> regions)
        : Device("uio:" + device.number, std::move(regions)), device_(std::move(device)) {}

    Result<Interrupt> interrupt() const override { return Interrupt::open_uio(device_); }
    bool is_present() const override { return exists(device_.path); }

  private:
    Result<Region> map_region(const RegionInformation& region, Access access,
                              std::string_view name) const override {
        const std::string map = device_.path + "/maps/map" + std::to_string(region.index);
        const auto offset = read_number(map + "/offset"); // within the first page
        if (!offset) { return std::unexpected(offset.error()); }
        const auto file = open_file(device_.node, access == Access::read_write ? O_RDWR : O_RDONLY);
        if (!file) { return std::unexpected(file.error()); }
        // To UIO the page of the offset is the number of the map.
        const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
        return Region::map(
            file->get(),
            {.offset = region.index * page + *offset, .size = static_cast<std::size_t>(region.size)}, access,
            name);
    }

    UioDevice device_;
};

Result<std::vector<RegionInformation>> maps_of(const UioDevice& device) {
    std::vector<RegionInformation> regions;
    for (const std::string& map : names_in(device.path + "/maps")) {
        const std::string path = device.path + "/maps/" + map;
        const auto index = parse_digits(map.starts_with("map") ? map.substr(3) : "", 10);
        const auto size = read_number(path + "/size");
        if (!size) { return std::unexpected(size.error()); }
        if (!index) { continue; }
        std::string name = read_attribute(path + "/name").value_or("");
        if (name.empty()) { name = map; }
        regions.push_back({.index = static_cast<unsigned>(*index), .name = std::move(name), .size = *size});
    }
    return regions;
}

Result<UioDevice> device_at(const std::string& place, const Roots& roots) {
    // The tree below /sys may stand elsewhere.
    constexpr std::string_view sys = "/sys/";
    const std::string path = place.starts_with(sys) ? roots.sys + "/" + place.substr(sys.size()) : place;
    if (!exists(path)) { return base::failure("open", place, "there is no such device"); }
    auto device = uio_device_of(path, roots);
    if (device) { return std::move(*device); }
    const std::string driver = link_target_name(path + "/driver");
    return base::failure("open", place,
                         driver.empty() ? "it has no driver; one with UIO is needed, such as uio_pdrv_genirq"
                                        : "its driver " + driver + " has no UIO");
}

} // namespace

Result<UioDevice> find_uio_device(const std::string& name, const Roots& roots) {
    std::vector<UioDevice> matching;
    std::vector<std::string> matching_numbers;
    std::vector<std::string> all_names;
    for (const std::string& number : names_in(roots.sys + "/class/uio")) {
        UioDevice device = describe_device(number, roots);
        if (number == name) { return device; }
        all_names.push_back(number + " (" + device.name + ")");
        if (device.name != name) { continue; }
        matching_numbers.push_back(number);
        matching.push_back(std::move(device));
    }
    if (matching.empty()) {
        return base::failure("find the device", "uio:" + name,
                             "there is no such device; there is " + join(all_names, "no UIO device at all"));
    }
    if (matching.size() > 1) {
        return base::failure("find the device", "uio:" + name,
                             "there are several, say which by its number: " + join(matching_numbers, ""));
    }
    return std::move(matching.front());
}

std::optional<UioDevice> uio_device_of(const std::string& device_path, const Roots& roots) {
    const auto numbers = names_in(device_path + "/uio");
    if (numbers.empty()) { return std::nullopt; }
    return describe_device(numbers.front(), roots);
}

Result<std::unique_ptr<Device>> open_uio_device(const Specification& specification, const Roots& roots) {
    auto device = specification.kind == Specification::Kind::path
                      ? device_at(specification.object, roots)
                      : find_uio_device(specification.object, roots);
    if (!device) { return std::unexpected(device.error()); }
    auto regions = maps_of(*device);
    if (!regions) { return std::unexpected(regions.error()); }
    return std::make_unique<UioRegisters>(std::move(*device), std::move(*regions));
}

} // namespace vb::hardware
