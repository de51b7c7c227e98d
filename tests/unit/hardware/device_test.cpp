// Devices in a tree of files: what is found, what it has, and what is said of what is missing.
#include "hardware/device.h"

#include "unit/hardware/device_tree.h"

#include <gtest/gtest.h>

namespace vb::hardware {
namespace {

class DeviceTest : public ::testing::Test {
  protected:
    std::unique_ptr<Device> open(const std::string& specification) const {
        auto device = open_device(specification, tree.roots());
        EXPECT_TRUE(device) << reason(device);
        return device ? std::move(*device) : nullptr;
    }
    std::string refusal(const std::string& specification) const {
        return reason(open_device(specification, tree.roots()));
    }
    std::string in(const std::string& path) const { return tree.directory.path() / path; }

    DeviceTree tree;
};

TEST_F(DeviceTest, AFileIsABlockOfRegisters) {
    const std::string path = tree.directory.write("registers", std::string(64, '\1'));
    const auto device = open("file:" + path);
    ASSERT_TRUE(device);
    EXPECT_EQ(device->name(), "file:" + path);
    ASSERT_EQ(device->regions().size(), 1U);
    EXPECT_EQ(device->regions()[0].size, 64U);
    auto region = device->map(0);
    ASSERT_TRUE(region) << reason(region);
    EXPECT_EQ(region->read<std::uint32_t>(60), 0x01010101U);
    ASSERT_TRUE(region->write(0, std::uint32_t{0x44434241}));
    EXPECT_EQ(tree.directory.read("registers").substr(0, 5), "ABCD\1");
    EXPECT_TRUE(device->is_present());
    std::filesystem::remove(path);
    EXPECT_FALSE(device->is_present());
}

TEST_F(DeviceTest, SaysWhatIsWrongWithAFile) {
    const std::string empty = tree.directory.write("empty", "");
    EXPECT_EQ(refusal("file:" + empty), "open " + empty + ": it is empty: its size is that of the registers");
    EXPECT_EQ(refusal("file:/nonexistent"), "open /nonexistent: No such file or directory (ENOENT)");
    EXPECT_EQ(refusal("file:/dev/null"), "open /dev/null: it is not a plain file");
    EXPECT_EQ(refusal("file:/tmp"), "open /tmp: it is not a plain file");
    const std::string fifo = in("fifo");
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    EXPECT_EQ(refusal("file:" + fifo), "open " + fifo + ": it is not a plain file");
}

TEST_F(DeviceTest, SaysHowALineAndAnInputDeviceAreOpened) {
    EXPECT_EQ(refusal("gpio:gpiochip0:17"),
              "open the device gpio:gpiochip0:17: it is a GPIO line: Gpio() in Python and vb_gpio_open() "
              "in C open it");
    EXPECT_EQ(refusal("input:event0"), "open the device input:event0: it is an input device: Input() in "
                                       "Python and vb_input_open() in C open it");
    EXPECT_EQ(reason(check_device("input:event0")), refusal("input:event0"));
}

TEST_F(DeviceTest, ATextMayBeCheckedBeforeTheDeviceIsThere) {
    for (const std::string text :
         {"file:/nonexistent", "pci:1234:11e8", "vfio:00:04.0", "uio:none", "path:/sys"}) {
        EXPECT_TRUE(check_device(text)) << text;
    }
    EXPECT_EQ(reason(check_device("pci:1")), refusal("pci:1"));
}

TEST_F(DeviceTest, SaysWhoMayNotOpenIt) {
    const std::string path = tree.directory.write("registers", std::string(64, '\1'));
    ASSERT_EQ(::chmod(path.c_str(), 0444), 0);
    ASSERT_EQ(::chmod(tree.directory.path().c_str(), 0755), 0);
    const int status = status_of([&] {
        if (::geteuid() == 0 && ::setresuid(65534, 65534, 65534) != 0) { ::_exit(0); }
        const auto device = open_device("file:" + path);
        if (!device || !(*device)->map(0, Access::read_only)) { ::_exit(1); }
        const std::string expected = "open " + path + ": user " + std::to_string(::geteuid()) +
                                     " may not write to it: Permission denied (EACCES)";
        if (reason((*device)->map(0)) != expected) { ::_exit(2); }
    });
    EXPECT_EQ(status, 0);
}

TEST_F(DeviceTest, APciDeviceIsFoundByItsNumbersOrItsAddress) {
    tree.add_pci("0000:00:02.0", "8086", "1234");
    tree.add_pci("0000:00:04.0", "1234", "11e8");
    const auto device = open("pci:1234:11e8");
    ASSERT_TRUE(device);
    EXPECT_EQ(device->name(), "pci:0000:00:04.0");
    EXPECT_EQ(open("pci:0000:00:04.0")->name(), "pci:0000:00:04.0");
    EXPECT_EQ(open("pci:00:02.0")->name(), "pci:0000:00:02.0");
    ASSERT_EQ(device->regions().size(), 3U);
    EXPECT_EQ(device->regions()[0].name, "bar0");
    EXPECT_EQ(device->regions()[0].size, 4096U);
    EXPECT_EQ(device->regions()[2].index, 4U);
    EXPECT_EQ(device->regions()[2].size, 8192U);
    auto bar = device->map(4);
    ASSERT_TRUE(bar);
    ASSERT_TRUE(bar->write(8188, std::uint32_t{1}));
    EXPECT_EQ(bar->name(), "pci:0000:00:04.0 bar4");
    EXPECT_EQ(tree.directory.read(DeviceTree::pci("0000:00:04.0") / "resource4")[8188], 1);
}

TEST_F(DeviceTest, APciDeviceWithoutADriverIsSwitchedOn) {
    tree.add_pci("0000:00:04.0", "1234", "11e8");
    tree.add_pci("0000:00:05.0", "1234", "11e8");
    tree.bind("0000:00:05.0", "edu");
    ASSERT_TRUE(open("pci:00:04.0"));
    EXPECT_EQ(tree.directory.read(DeviceTree::pci("0000:00:04.0") / "enable")[0], '1');
    ASSERT_TRUE(open("pci:00:05.0")); // that is its driver's business
    EXPECT_EQ(tree.directory.read(DeviceTree::pci("0000:00:05.0") / "enable")[0], '0');
}

TEST_F(DeviceTest, SaysWhichPciDevicesThereAre) {
    EXPECT_EQ(refusal("pci:1234:11e8"),
              "find the device pci:1234:11e8: there is no such device; there is no PCI device at all");
    tree.add_pci("0000:00:02.0", "8086", "1234");
    tree.add_pci("0000:00:05.0", "1af4", "1000");
    tree.add_pci("0000:00:06.0", "1af4", "1000");
    EXPECT_EQ(refusal("pci:1234:11e8"),
              "find the device pci:1234:11e8: there is no such device; there is 0000:00:02.0 (8086:1234), "
              "0000:00:05.0 (1af4:1000), 0000:00:06.0 (1af4:1000)");
    EXPECT_EQ(refusal("pci:1af4:1000"), "find the device pci:1af4:1000: there are several, say which by its "
                                        "address: 0000:00:05.0, 0000:00:06.0");
    for (int number = 0; number < 20; ++number) {
        tree.add_pci("0000:01:00." + std::to_string(number), "1af4", "1000");
    }
    EXPECT_TRUE(refusal("pci:1234:11e8").ends_with(" and 15 more"));
}

TEST_F(DeviceTest, SaysWhichRegionsThereAre) {
    tree.add_pci("0000:00:04.0", "1234", "11e8");
    const auto device = open("pci:1234:11e8");
    ASSERT_TRUE(device);
    EXPECT_EQ(reason(device->map(2)),
              "map pci:0000:00:04.0: it has no region 2; there is 0 (bar0), 1 (bar1), 4 (bar4)");
    EXPECT_EQ(reason(device->map(1)),
              "map pci:0000:00:04.0 bar1: it cannot be mapped: it is I/O ports, or less than a page");
}

TEST_F(DeviceTest, AUioDeviceIsFoundByNameOrNumber) {
    tree.add_uio("uio0", "fan");
    tree.add_uio("uio2", "sensor");
    tree.add_uio("uio10", "fan");
    const auto device = open("uio:sensor");
    ASSERT_TRUE(device);
    EXPECT_EQ(device->name(), "uio:uio2");
    EXPECT_EQ(open("uio:uio10")->name(), "uio:uio10");
    EXPECT_EQ(refusal("uio:fan"),
              "find the device uio:fan: there are several, say which by its number: uio0, uio10");
    EXPECT_EQ(refusal("uio:pump"),
              "find the device uio:pump: there is no such device; there is uio0 (fan), uio2 "
              "(sensor), uio10 (fan)");
}

TEST_F(DeviceTest, TheMapsOfUioBeginWhereTheySay) {
    tree.add_uio("uio2", "sensor");
    const auto device = open("uio:sensor");
    ASSERT_TRUE(device);
    ASSERT_EQ(device->regions().size(), 2U);
    EXPECT_EQ(device->regions()[0].name, "control");
    EXPECT_EQ(device->regions()[1].name, "map1");
    auto region = device->map(1);
    ASSERT_TRUE(region) << reason(region);
    EXPECT_EQ(region->size(), 32U);
    ASSERT_TRUE(region->write(4, std::uint8_t{7}));
    EXPECT_EQ(tree.directory.read("dev/uio2")[4096 + 16 + 4], 7);
}

TEST_F(DeviceTest, AUioDeviceIsFoundByItsPlace) {
    tree.add_uio("uio2", "sensor");
    tree.directory.write("sys/devices/platform/sensor/uio/uio2/dev", "");
    tree.directory.write("sys/devices/platform/bare/uevent", "");
    tree.directory.write("sys/devices/platform/driven/uevent", "");
    tree.directory.link("sys/devices/platform/driven/driver", "../../../bus/platform/drivers/thermometer");
    EXPECT_EQ(open("path:/sys/devices/platform/sensor")->name(), "uio:uio2");
    EXPECT_EQ(open("path:" + in("sys/devices/platform/sensor"))->name(), "uio:uio2");
    EXPECT_EQ(
        refusal("path:/sys/devices/platform/bare"),
        "open /sys/devices/platform/bare: it has no driver; one with UIO is needed, such as uio_pdrv_genirq");
    EXPECT_EQ(refusal("path:/sys/devices/platform/driven"),
              "open /sys/devices/platform/driven: its driver thermometer has no UIO");
    EXPECT_EQ(refusal("path:/sys/devices/platform/none"),
              "open /sys/devices/platform/none: there is no such device");
}

TEST_F(DeviceTest, ATreeThatMakesNoSenseIsAnError) {
    tree.add_pci("0000:00:04.0", "1234", "11e8");
    tree.directory.write(DeviceTree::pci("0000:00:04.0") / "resource", "0x10 0x0 0x200\n");
    EXPECT_FALSE(open_device("pci:1234:11e8", tree.roots()));
    tree.directory.write(DeviceTree::pci("0000:00:04.0") / "resource", "");
    EXPECT_FALSE(open_device("pci:1234:11e8", tree.roots()));
    tree.directory.write(DeviceTree::pci("0000:00:04.0") / "vendor", "x");
    EXPECT_FALSE(open_device("pci:1234:11e8", tree.roots()));
    tree.add_uio("uio2", "sensor");
    tree.directory.write(DeviceTree::uio("uio2") / "maps/map0/size", "large\n");
    EXPECT_FALSE(open_device("uio:sensor", tree.roots()));
}

} // namespace
} // namespace vb::hardware
