// What the kernel sends, and what it never does.
#include "device/uevent.h"

#include <gtest/gtest.h>

namespace {

using vb::device::parse_uevent;
using vb::device::Uevent;
using namespace std::string_literals;
using namespace std::string_view_literals;

// As `udevadm monitor --kernel` shows one, with NULs for its line ends.
constexpr auto plugged =
    "add@/devices/pci0000:00/0000:00:04.0\0ACTION=add\0DEVPATH=/devices/pci0000:00/0000:00:04.0\0"
    "SUBSYSTEM=pci\0PCI_CLASS=20000\0MODALIAS=pci:v00001AF4d00001000sv00001AF4sd00000001bc02sc00i00\0"
    "SEQNUM=1234\0"sv;

TEST(Uevent, IsReadWhole) {
    const auto event = parse_uevent(plugged);
    ASSERT_TRUE(event);
    EXPECT_EQ(event->action, Uevent::Action::add);
    EXPECT_EQ(event->device_path, "/devices/pci0000:00/0000:00:04.0");
    EXPECT_EQ(event->subsystem, "pci");
    EXPECT_EQ(event->aliases[0], "pci:v00001AF4d00001000sv00001AF4sd00000001bc02sc00i00");
    EXPECT_EQ(event->aliases[1], "");
    EXPECT_EQ(event->sequence, 1234U);
}

TEST(Uevent, NamesItsActionAsTheKernelDoes) {
    for (const std::string_view name :
         {"add", "remove", "change", "move", "online", "offline", "bind", "unbind"}) {
        const std::string text = std::string(name) + "@/devices/x\0ACTION="s + std::string(name) +
                                 "\0DEVPATH=/devices/x\0SUBSYSTEM=x\0SEQNUM=1\0"s;
        const auto event = parse_uevent(text);
        ASSERT_TRUE(event) << name;
        EXPECT_EQ(vb::device::name_of(event->action), name);
    }
}

TEST(Uevent, HasANodeAndBothAliasesOfAnAcpiDevice) {
    const auto event = parse_uevent(
        "change@/devices/x\0ACTION=change\0DEVPATH=/devices/x\0SUBSYSTEM=platform\0"
        "MAJOR=10\0MINOR=5\0DEVNAME=sub/node\0DEVMODE=0666\0MODALIAS=acpi:PRP0001:\0MODALIAS=of:Nx\0MODALIAS=third\0SEQNUM=1\0"sv);
    ASSERT_TRUE(event);
    EXPECT_EQ(event->device_name, "sub/node");
    EXPECT_EQ(event->major, "10");
    EXPECT_EQ(event->minor, "5");
    EXPECT_EQ(event->mode, "0666");
    EXPECT_EQ(event->aliases[0], "acpi:PRP0001:");
    EXPECT_EQ(event->aliases[1], "of:Nx");
}

TEST(Uevent, PassesOverAnAliasThatIsNone) {
    const auto event = parse_uevent(
        "add@/devices/x\0ACTION=add\0DEVPATH=/devices/x\0SUBSYSTEM=x\0MODALIAS=a b\0MODALIAS=a\nb\0SEQNUM=1\0"sv);
    ASSERT_TRUE(event);
    EXPECT_EQ(event->aliases[0], "");
}

TEST(Uevent, IsRefusedAsAWhole) {
    const std::string_view bad[] = {
        ""sv,
        "\0"sv,
        "libudev\0\xfe\xed\xca\xfe"sv, // udev's own format
        "add@/devices/x"sv,            // its NUL is missing
        "add@/devices/x\0"sv,
        "add@devices/x\0ACTION=add\0DEVPATH=devices/x\0SUBSYSTEM=x\0SEQNUM=1\0"sv,
        "burn@/devices/x\0ACTION=burn\0DEVPATH=/devices/x\0SUBSYSTEM=x\0SEQNUM=1\0"sv,
        "add@/devices/x\0ACTION=remove\0DEVPATH=/devices/x\0SUBSYSTEM=x\0SEQNUM=1\0"sv,
        "add@/devices/x\0ACTION=add\0DEVPATH=/devices/y\0SUBSYSTEM=x\0SEQNUM=1\0"sv,
        "add@/devices/x\0ACTION=add\0DEVPATH=/devices/x\0SUBSYSTEM=x\0"sv,
        "add@/devices/x\0ACTION=add\0DEVPATH=/devices/x\0SEQNUM=1\0"sv,
        "add@/devices/x\0ACTION=add\0DEVPATH=/devices/x\0SUBSYSTEM=x\0SEQNUM=-1\0"sv,
        "add@/devices/x\0ACTION=add\0DEVPATH=/devices/x\0SUBSYSTEM=x\0SEQNUM=1"sv,
        "add@/devices/x\0ACTION=add\0DEVPATH=/devices/x\0SUBSYSTEM=x\0SEQNUM=1\0NOEQUALS\0"sv,
        "add@/devices/x\0ACTION=add\0DEVPATH=/devices/x\0SUBSYSTEM=x\0SEQNUM=1\0=value\0"sv,
        "add@/devices/x\0ACTION=add\0DEVPATH=/devices/x\0SUBSYSTEM=x\0SEQNUM=1\0SUBSYSTEM=y\0"sv,
        "add@/devices/x\0ACTION=add\0DEVPATH=/devices/x\0SUBSYSTEM=x\0SEQNUM=1\0\0"sv,
    };
    for (const std::string_view datagram : bad) {
        EXPECT_FALSE(parse_uevent(datagram)) << ::testing::PrintToString(datagram);
    }
    for (std::size_t size = 0; size < plugged.size(); ++size) {
        EXPECT_FALSE(parse_uevent(plugged.substr(0, size))) << size;
    }
}

} // namespace
