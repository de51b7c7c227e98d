// The text that says which device is meant.
#include "hardware/specification.h"

#include "unit/hardware/scratch.h"

#include <gtest/gtest.h>

namespace vb::hardware {
namespace {

using Kind = Specification::Kind;

Specification parse(std::string_view text) {
    auto parsed = parse_specification(text);
    EXPECT_TRUE(parsed) << reason(parsed);
    return parsed.value_or(Specification{});
}
std::string refusal(std::string_view text) { return reason(parse_specification(text)); }

TEST(SpecificationTest, NamesAFile) {
    EXPECT_EQ(parse("file:/dev/shm/registers").object, "/dev/shm/registers");
    EXPECT_EQ(parse("file:/dev/shm/registers").interrupt, "");
    const auto specification = parse("file:/tmp/a:b?interrupt=/tmp/fifo");
    EXPECT_EQ(specification.kind, Kind::file);
    EXPECT_EQ(specification.object, "/tmp/a:b");
    EXPECT_EQ(specification.interrupt, "/tmp/fifo");
    EXPECT_EQ(specification.text, "file:/tmp/a:b?interrupt=/tmp/fifo");
}

TEST(SpecificationTest, NamesAPciDevice) {
    const auto by_number = parse("pci:1234:11E8");
    EXPECT_EQ(by_number.kind, Kind::pci);
    EXPECT_EQ(by_number.pci.vendor, 0x1234);
    EXPECT_EQ(by_number.pci.device, 0x11e8);
    EXPECT_EQ(by_number.pci.text(), "1234:11e8");
    EXPECT_EQ(parse("pci:0001:0002").pci.text(), "0001:0002");
    EXPECT_EQ(parse("pci:0000:00:1F.7").pci.address, "0000:00:1f.7");
    EXPECT_EQ(parse("pci:00:04.0").pci.address, "0000:00:04.0");
    EXPECT_EQ(parse("vfio:1234:11e8").kind, Kind::vfio);
    EXPECT_EQ(parse("vfio:0001:00:04.0").pci.text(), "0001:00:04.0");
}

TEST(SpecificationTest, NamesOthers) {
    EXPECT_EQ(parse("uio:my sensor").object, "my sensor");
    EXPECT_EQ(parse("path:/sys/devices/platform/sensor").kind, Kind::path);
    EXPECT_EQ(parse("path:/sys/devices/platform/sensor").object, "/sys/devices/platform/sensor");
}

TEST(SpecificationTest, SaysWhatIsExpected) {
    EXPECT_EQ(refusal("usb:1234"),
              "read the device usb:1234: expected file:, pci:, vfio:, uio: or path: and what "
              "it is called");
    EXPECT_EQ(refusal("pci:1234"),
              "read the device pci:1234: expected VENDOR:DEVICE such as 1234:11e8, or an "
              "address such as 0000:00:04.0");
    EXPECT_EQ(refusal("pci:00:04.8"),
              "read the device pci:00:04.8: expected an address such as 0000:00:04.0");
    EXPECT_EQ(refusal("file:/a?irq=/b"),
              "read the device file:/a?irq=/b: \"irq\" is not known here; there is interrupt=/path");
    EXPECT_EQ(refusal("path:devices"), "read the device path:devices: expected a path that begins with /");
}

TEST(SpecificationTest, RefusesWhatIsNone) {
    for (const std::string_view text : {"",
                                        ":",
                                        "file",
                                        "file:",
                                        "file:a",
                                        "file:/a?",
                                        "file:/a?interrupt",
                                        "file:/a?interrupt=",
                                        "pci:",
                                        "pci:12345:11e8",
                                        "pci:0x1234:0x11e8",
                                        "pci:1234:11e8:1",
                                        "pci:1234:11eg",
                                        "pci:1234 :11e8",
                                        "pci:.",
                                        "pci:00:04.",
                                        "pci:00:04.00",
                                        "pci:000:00:04.0",
                                        "pci:00-04.0",
                                        "pci:0000:00:04:0",
                                        "pci:../../x.0",
                                        "vfio:",
                                        "uio:",
                                        "uio:a/b",
                                        "path:",
                                        "PCI:1234:11e8"}) {
        if (text == "file:/a?") { // no option is no mistake
            EXPECT_TRUE(parse_specification(text));
            continue;
        }
        EXPECT_FALSE(parse_specification(text)) << text;
    }
}

} // namespace
} // namespace vb::hardware
