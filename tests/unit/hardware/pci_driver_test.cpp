// Giving a device another driver: what is written where, and what is said when the kernel does something else.
#include "hardware/pci_driver.h"

#include "unit/hardware/device_tree.h"

#include <gtest/gtest.h>

namespace vb::hardware {
namespace {

class PciDriverTest : public ::testing::Test {
  protected:
    PciDriverTest() {
        tree.add_pci(address, "1234", "11e8");
        tree.directory.write(place / "driver_override", "(null)\n");
        tree.directory.write("sys/bus/pci/drivers/vfio-pci/bind", "");
        tree.directory.write("sys/bus/pci/drivers/e1000/unbind", "");
        tree.directory.write("sys/bus/pci/drivers_probe", "");
    }
    PciDevice device() const { return *find_pci_device({.address = address}, tree.roots()); }
    std::string bind() const { return reason(bind_driver(device(), "vfio-pci", tree.roots())); }

    const std::string address = "0000:00:04.0";
    const std::filesystem::path place = DeviceTree::pci(address);
    DeviceTree tree;
};

TEST_F(PciDriverTest, TakesTheDeviceFromItsDriverAndAsksForTheOther) {
    tree.bind(address, "e1000");
    // In a tree of files there is no kernel that does what it is told.
    EXPECT_EQ(bind(), "bind 0000:00:04.0 to vfio-pci: the kernel gave it to e1000");
    EXPECT_EQ(tree.directory.read(place / "driver_override").substr(0, 9), "vfio-pci\n");
    EXPECT_EQ(tree.directory.read("sys/bus/pci/drivers/e1000/unbind"), address);
    EXPECT_EQ(tree.directory.read("sys/bus/pci/drivers_probe"), address);
}

TEST_F(PciDriverTest, DoesNothingWhereTheDeviceHasTheDriver) {
    tree.bind(address, "vfio-pci");
    EXPECT_EQ(bind(), "there is no error");
    EXPECT_EQ(tree.directory.read(place / "driver_override"), "(null)\n");
}

TEST_F(PciDriverTest, SaysWhyItWasNotBound) {
    EXPECT_EQ(bind(), "bind 0000:00:04.0 to vfio-pci: the driver refused it");
    EXPECT_EQ(reason(bind_driver(device(), "uio_pci_generic", tree.roots())),
              "bind 0000:00:04.0 to uio_pci_generic: there is no such driver; its module is not loaded");
    std::filesystem::remove(tree.directory.path() / place / "driver_override");
    EXPECT_TRUE(bind().ends_with("No such file or directory (ENOENT)"));
}

TEST_F(PciDriverTest, GivesItBack) {
    tree.bind(address, "e1000");
    EXPECT_TRUE(bind_own_driver(device(), tree.roots()));
    EXPECT_EQ(tree.directory.read(place / "driver_override")[0], '\n');
    EXPECT_EQ(tree.directory.read("sys/bus/pci/drivers/e1000/unbind"), address);
}

} // namespace
} // namespace vb::hardware
