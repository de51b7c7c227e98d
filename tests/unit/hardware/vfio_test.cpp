// Devices by VFIO on a simulated kernel.
#include "hardware/vfio.h"

#include "unit/hardware/device_tree.h"
#include "unit/hardware/simulated_vfio.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>

namespace vb::hardware {
namespace {

constexpr unsigned line = VFIO_PCI_INTX_IRQ_INDEX;
constexpr unsigned msi = VFIO_PCI_MSI_IRQ_INDEX;
constexpr unsigned msi_x = VFIO_PCI_MSIX_IRQ_INDEX;

class VfioTest : public ::testing::Test {
  protected:
    VfioTest() {
        tree.add_pci(address, "1234", "11e8");
        tree.bind(address, "vfio-pci");
        tree.directory.link(DeviceTree::pci(address) / "iommu_group", "../../../../kernel/iommu_groups/7");
        tree.directory.write("dev/vfio/vfio", "");
        tree.directory.write("dev/vfio/7", "");
    }
    Result<std::unique_ptr<VfioDevice>> try_open() {
        return VfioDevice::open({.address = {}, .vendor = 0x1234, .device = 0x11e8}, tree.roots(), vfio);
    }
    std::unique_ptr<VfioDevice> open() {
        auto device = try_open();
        EXPECT_TRUE(device) << reason(device);
        return device ? std::move(*device) : nullptr;
    }
    // In the tree of the test.
    std::string node(const std::string& name) const { return tree.roots().dev + "/vfio/" + name; }

    const std::string address = "0000:00:04.0";
    DeviceTree tree;
    SimulatedVfio vfio;
};

TEST_F(VfioTest, HasTheRegionsOfTheDevice) {
    const auto device = open();
    ASSERT_TRUE(device);
    EXPECT_EQ(device->name(), "vfio:0000:00:04.0");
    ASSERT_EQ(device->regions().size(), 2U);
    EXPECT_EQ(device->regions()[0].size, SimulatedVfio::bar_size);
    auto bar = device->map(0);
    ASSERT_TRUE(bar) << reason(bar);
    ASSERT_TRUE(bar->write(16, std::uint32_t{0x010000ed}));
    std::uint32_t value = 0;
    ASSERT_EQ(::pread(vfio.device.get(), &value, 4, 16), 4);
    EXPECT_EQ(value, 0x010000edU);
    EXPECT_EQ(reason(device->map(1)),
              "map vfio:0000:00:04.0 bar1: it cannot be mapped: it is I/O ports, or less than a page");
    EXPECT_TRUE(device->is_present());
    ASSERT_TRUE(device->reset());
    EXPECT_EQ(vfio.resets, 1);
}

TEST_F(VfioTest, GivesTheGroupAContainerBeforeItAsksForTheDevice) {
    ASSERT_TRUE(open());
    const auto position = [&](unsigned long request) { return std::ranges::find(vfio.requests, request); };
    EXPECT_LT(position(VFIO_GROUP_SET_CONTAINER), position(VFIO_SET_IOMMU));
    EXPECT_LT(position(VFIO_SET_IOMMU), position(VFIO_IOMMU_GET_INFO));
    EXPECT_LT(position(VFIO_SET_IOMMU), position(VFIO_GROUP_GET_DEVICE_FD));
}

TEST_F(VfioTest, SaysWhatIsMissing) {
    vfio.is_viable = false;
    tree.directory.write("sys/kernel/iommu_groups/7/devices/0000:00:04.0", "");
    tree.directory.write("sys/kernel/iommu_groups/7/devices/0000:00:04.1", "");
    EXPECT_EQ(reason(try_open()),
              "open " + node("7") +
                  ": all devices of this group are to be bound to vfio-pci: " + "0000:00:04.0, 0000:00:04.1");
    vfio.is_viable = true;
    vfio.has_type1 = false;
    EXPECT_EQ(reason(try_open()), "use the group " + node("7") + ": its IOMMU is not of type 1");
    vfio.has_type1 = true;
    vfio.version = 1;
    EXPECT_EQ(reason(try_open()), "open " + node("vfio") + ": its interface has version 1, expected 0");
    vfio.version = 0;
    EXPECT_TRUE(try_open());
    std::filesystem::remove(node("vfio"));
    EXPECT_EQ(reason(try_open()), "open " + node("vfio") + ": No such file or directory (ENOENT)");
    std::filesystem::remove(tree.directory.path() / DeviceTree::pci(address) / "iommu_group");
    EXPECT_EQ(reason(try_open()),
              "open vfio:0000:00:04.0: there is no IOMMU for it; it may have to be enabled, as "
              "by intel_iommu=on");
    std::filesystem::remove(tree.directory.path() / DeviceTree::pci(address) / "driver");
    EXPECT_EQ(reason(try_open()), "open vfio:0000:00:04.0: it has no driver, it is to be bound to vfio-pci");
    tree.bind(address, "e1000");
    EXPECT_EQ(reason(open_device("vfio:1234:11e8", tree.roots())),
              "open vfio:0000:00:04.0: its driver is e1000, it is to be bound to vfio-pci");
}

TEST_F(VfioTest, WhateverFailsLeavesNothingOpen) {
    for (const unsigned long request :
         {VFIO_GROUP_GET_STATUS, VFIO_GROUP_SET_CONTAINER, VFIO_SET_IOMMU, VFIO_IOMMU_GET_INFO,
          VFIO_GROUP_GET_DEVICE_FD, VFIO_DEVICE_GET_REGION_INFO}) {
        vfio.failing = {{request, EIO}};
        const auto device = try_open();
        EXPECT_TRUE(reason(device).ends_with("Input/output error (EIO)")) << reason(device);
        EXPECT_EQ(vfio.open_count(), 0U);
    }
}

TEST_F(VfioTest, AMessageIsAnEventAndNeedsTheBus) {
    const auto device = open();
    EXPECT_EQ(vfio.command() & PCI_COMMAND_MASTER, 0);
    auto interrupt = device->interrupt();
    ASSERT_TRUE(interrupt) << reason(interrupt);
    EXPECT_EQ(vfio.command() & PCI_COMMAND_MASTER, PCI_COMMAND_MASTER);
    EXPECT_EQ(interrupt->name(), "vfio:0000:00:04.0 MSI 0");
    EXPECT_EQ(interrupt->take(), 0U);
    for (int count = 0; count < 10'000; ++count) {
        vfio.raise(msi);
    }
    EXPECT_EQ(interrupt->take(), 10'000U);
    EXPECT_TRUE(interrupt->arm());
    EXPECT_EQ(vfio.unmasked, 0);
}

TEST_F(VfioTest, ThereMayBeManyMessages) {
    vfio.interrupt_counts[msi_x] = 4;
    const auto device = open();
    auto interrupts = device->message_interrupts(3);
    ASSERT_TRUE(interrupts) << reason(interrupts);
    ASSERT_EQ(interrupts->size(), 3U);
    vfio.raise(msi_x, 2);
    EXPECT_EQ((*interrupts)[0].take(), 0U);
    EXPECT_EQ((*interrupts)[2].take(), 1U);
    EXPECT_EQ(reason(device->message_interrupts(5)),
              "open the interrupts of vfio:0000:00:04.0: 5 are wanted, it has 4");
    EXPECT_FALSE(device->message_interrupts(0));
}

TEST_F(VfioTest, ALineIsArmedEachTime) {
    vfio.interrupt_counts = {{line, 1}, {msi, 0}};
    auto device = open();
    auto interrupt = device->interrupt();
    ASSERT_TRUE(interrupt) << reason(interrupt);
    vfio.raise(line);
    EXPECT_EQ(interrupt->take(), 1U);
    ASSERT_TRUE(interrupt->arm());
    EXPECT_EQ(vfio.unmasked, 1);
    // The interrupt does not keep the device.
    device.reset();
    EXPECT_EQ(vfio.open_count(), 0U);
    EXPECT_EQ(reason(interrupt->arm()), "arm the interrupt vfio:0000:00:04.0: the device was closed");
    vfio.interrupt_counts = {{line, 0}};
    EXPECT_EQ(reason(open()->interrupt()), "open the interrupt vfio:0000:00:04.0: the device has none");
}

TEST_F(VfioTest, TheKernelAsksForTheDevice) {
    auto device = open();
    auto bar = device->map(0);
    auto removal = device->removal();
    ASSERT_TRUE(removal) << reason(removal);
    EXPECT_EQ(removal->take(), 0U);
    vfio.raise(VFIO_PCI_REQ_IRQ_INDEX);
    EXPECT_EQ(removal->take(), 1U);
    EXPECT_EQ(reason(device->error_reports()),
              "open the interrupt vfio:0000:00:04.0: it has none for errors");
    device.reset();
    EXPECT_EQ(vfio.open_count(), 0U);
}

TEST_F(VfioTest, ADeviceThatWasPulledOutIsAnErrorEverywhere) {
    const auto device = open();
    auto bar = device->map(0);
    auto interrupt = device->interrupt();
    ASSERT_TRUE(bar && interrupt);
    vfio.unplug();
    EXPECT_FALSE(bar->read<std::uint32_t>(0));
    EXPECT_FALSE(bar->write(0, std::uint32_t{1}));
    EXPECT_FALSE(device->read_configuration(Width::bits16, PCI_COMMAND));
    vfio.failing[VFIO_DEVICE_GET_IRQ_INFO] = ENODEV;
    EXPECT_EQ(reason(device->interrupt()),
              "ask for the interrupts of vfio:0000:00:04.0: No such device (ENODEV)");
    EXPECT_EQ(interrupt->take(), 0U);
}

TEST_F(VfioTest, TheConfigurationIsReadAndWrittenWithinItsBounds) {
    const auto device = open();
    ASSERT_TRUE(device->write_configuration(Width::bits32, 0x40, 0x11223344));
    EXPECT_EQ(device->read_configuration(Width::bits32, 0x40), 0x11223344U);
    EXPECT_EQ(device->read_configuration(Width::bits8, 0x41), 0x33U);
    ASSERT_TRUE(device->write_configuration(Width::bits16, 0x42, 0xffff));
    EXPECT_EQ(device->read_configuration(Width::bits32, 0x40), 0xffff3344U);
    EXPECT_EQ(reason(device->read_configuration(Width::bits32, 0x100)),
              "access the configuration of vfio:0000:00:04.0: 32 bits at offset 0x100 are not aligned, more "
              "than 32, "
              "or beyond its 0x100 bytes");
    EXPECT_FALSE(device->read_configuration(Width::bits64, 0));
    EXPECT_FALSE(device->write_configuration(Width::bits16, 1, 0));
    ASSERT_TRUE(device->set_bus_master(true));
    ASSERT_TRUE(device->set_bus_master(false));
    EXPECT_EQ(vfio.command() & PCI_COMMAND_MASTER, 0);
}

TEST_F(VfioTest, TheDeviceReachesItsBuffersAndNothingElse) {
    auto device = open();
    auto there = device->allocate_dma(4096, 0xfffffff);
    auto back = device->allocate_dma(100, 0xfffffff);
    ASSERT_TRUE(there && back) << reason(there) << reason(back);
    EXPECT_EQ(vfio.command() & PCI_COMMAND_MASTER, PCI_COMMAND_MASTER);
    EXPECT_EQ(back->size(), 4096U);
    EXPECT_NE(there->device_address(), 0U);
    EXPECT_LE(back->device_address() + back->size(), 0x10000000U);
    there->bytes()[99] = std::byte{7};
    EXPECT_TRUE(vfio.copy(there->device_address(), back->device_address(), 100));
    EXPECT_EQ(back->bytes()[99], std::byte{7});
    EXPECT_EQ(back->region().read<std::uint8_t>(99), 7U);
    const std::uint64_t old_address = back->device_address();
    {
        const DmaBuffer moved = std::move(*back);
        EXPECT_EQ(vfio.mappings.size(), 2U);
    }
    EXPECT_EQ(vfio.mappings.size(), 1U);
    EXPECT_FALSE(vfio.copy(there->device_address(), old_address, 100));
    device.reset(); // a buffer may stay longer
    there->bytes()[0] = std::byte{1};
    there = std::unexpected(base::Error{});
    EXPECT_TRUE(vfio.mappings.empty());
}

TEST_F(VfioTest, SaysWhyThereIsNoBuffer) {
    const auto device = open();
    EXPECT_EQ(reason(device->allocate_dma(8192, 0x1fff)),
              "allocate for DMA 8192 bytes: no address up to 0x1fff is free");
    vfio.failing[VFIO_IOMMU_MAP_DMA] = ENOMEM;
    EXPECT_EQ(
        reason(device->allocate_dma(4096, ~std::uint64_t{0})),
        "map for DMA 4096 bytes: more than may be locked (RLIMIT_MEMLOCK): Cannot allocate memory (ENOMEM)");
    vfio.failing.clear();
    EXPECT_EQ(device->allocate_dma(4096, ~std::uint64_t{0})->device_address(),
              4096U); // not lost by the failure
    EXPECT_FALSE(device->allocate_dma(0, ~std::uint64_t{0}));
    EXPECT_FALSE(device->allocate_dma(~std::size_t{0}, ~std::uint64_t{0}));
}

TEST_F(VfioTest, AnAddressThatCouldNotBeUnmappedIsNotGivenAgain) {
    const auto device = open();
    std::optional<DmaBuffer> first(*device->allocate_dma(4096, ~std::uint64_t{0}));
    const std::uint64_t address_of_first = first->device_address();
    vfio.failing[VFIO_IOMMU_UNMAP_DMA] = EIO;
    first.reset();
    vfio.failing.clear();
    const auto second = device->allocate_dma(4096, ~std::uint64_t{0});
    ASSERT_TRUE(second) << reason(second);
    EXPECT_NE(second->device_address(), address_of_first);
}

TEST_F(VfioTest, WithoutRangesTheUsualOnesAreUsed) {
    vfio.says_ranges = false;
    EXPECT_EQ(open()->allocate_dma(4096, ~std::uint64_t{0})->device_address(), 4096U);
}

TEST_F(VfioTest, OnlyVfioHasDma) {
    const std::string path = tree.directory.write("registers", std::string(64, '\0'));
    const auto device = open_device("file:" + path);
    ASSERT_TRUE(device);
    EXPECT_EQ(reason((*device)->allocate_dma(4096, ~std::uint64_t{0})),
              "allocate for DMA file:" + path + ": only a vfio: device has memory that it may reach");
    EXPECT_EQ(reason((*device)->removal()),
              "open the interrupt file:" + path + ": only a vfio: device is asked for before it goes");
}

} // namespace
} // namespace vb::hardware
