#include "hardware/pci_driver.h"

namespace vb::hardware {

namespace {

Result<> choose(const PciDevice& device, const std::string& override_text, const Roots& roots) {
    if (auto written = write_attribute(device.path + "/driver_override", override_text); !written) {
        return written;
    }
    const std::string driver = device.path + "/driver";
    if (exists(driver)) {
        if (auto written = write_attribute(driver + "/unbind", device.address); !written) { return written; }
    }
    return write_attribute(roots.sys + "/bus/pci/drivers_probe", device.address);
}

} // namespace

Result<> bind_driver(const PciDevice& device, const std::string& driver, const Roots& roots) {
    const std::string operation_object = device.address + " to " + driver;
    if (link_target_name(device.path + "/driver") == driver) { return {}; }
    if (!exists(roots.sys + "/bus/pci/drivers/" + driver)) {
        return base::failure("bind", operation_object, "there is no such driver; its module is not loaded");
    }
    if (auto chosen = choose(device, driver + "\n", roots); !chosen) { return chosen; }
    const std::string bound = link_target_name(device.path + "/driver");
    if (bound == driver) { return {}; }
    return base::failure("bind", operation_object,
                         bound.empty() ? "the driver refused it" : "the kernel gave it to " + bound);
}

Result<> bind_own_driver(const PciDevice& device, const Roots& roots) { return choose(device, "\n", roots); }

} // namespace vb::hardware
