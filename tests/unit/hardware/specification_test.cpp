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

TEST(SpecificationTest, NamesAGpioLine) {
    const auto named = [](std::string_view text) {
        const Specification specification = parse(text);
        EXPECT_EQ(specification.kind, Kind::gpio);
        return specification.gpio.chip + " | " + specification.gpio.line;
    };
    EXPECT_EQ(named("gpio:gpiochip0:17"), "gpiochip0 | 17");
    EXPECT_EQ(named("gpio::LED 1"), " | LED 1");
    EXPECT_EQ(named("gpio::SPI:CS?active_low=1"), " | SPI:CS");
    EXPECT_EQ(named("gpio:INT34C5:00:17"), "INT34C5:00 | 17"); // ACPI's labels
    const auto usual = parse("gpio:gpiochip0:17?").gpio_options;
    EXPECT_EQ(usual.direction, GpioOptions::Direction::input);
    EXPECT_EQ(usual.edges, GpioOptions::Edges::none);
    EXPECT_EQ(usual.bias, GpioOptions::Bias::unchanged);
    EXPECT_FALSE(usual.is_active_low);
}

TEST(SpecificationTest, SaysHowAGpioLineIsWanted) {
    const auto output = parse("gpio:a:1?direction=output&value=1&active_low=1&drive=open_drain").gpio_options;
    EXPECT_EQ(output.direction, GpioOptions::Direction::output);
    EXPECT_TRUE(output.value);
    EXPECT_TRUE(output.is_active_low);
    EXPECT_EQ(output.drive, GpioOptions::Drive::open_drain);
    const auto input =
        parse("gpio:a:1?direction=input&bias=pull_down&debounce=5000&edges=falling").gpio_options;
    EXPECT_EQ(input.direction, GpioOptions::Direction::input);
    EXPECT_EQ(input.bias, GpioOptions::Bias::pull_down);
    EXPECT_EQ(input.debounce_microseconds, 5000U);
    EXPECT_EQ(input.edges, GpioOptions::Edges::falling);
    EXPECT_EQ(parse("gpio:a:1?edges=rising").gpio_options.edges, GpioOptions::Edges::rising);
    EXPECT_EQ(parse("gpio:a:1?edges=both").gpio_options.edges, GpioOptions::Edges::both);
    EXPECT_EQ(parse("gpio:a:1?bias=off").gpio_options.bias, GpioOptions::Bias::off);
    EXPECT_EQ(parse("gpio:a:1?bias=pull_up").gpio_options.bias, GpioOptions::Bias::pull_up);
    EXPECT_EQ(parse("gpio:a:1?direction=output&drive=open_source").gpio_options.drive,
              GpioOptions::Drive::open_source);
}

TEST(SpecificationTest, NamesAnInputDevice) {
    EXPECT_EQ(parse("input:event3").kind, Kind::input);
    EXPECT_EQ(parse("input:event3").object, "event3");
    EXPECT_EQ(parse("input:AT Raw Set 2: keyboard/mouse?").object, "AT Raw Set 2: keyboard/mouse?");
}

TEST(SpecificationTest, SaysWhatIsExpected) {
    EXPECT_EQ(refusal("usb:1234"),
              "read the device usb:1234: expected file:, pci:, vfio:, uio:, path:, gpio: or input: and what "
              "it is called");
    EXPECT_EQ(refusal("pci:1234"),
              "read the device pci:1234: expected VENDOR:DEVICE such as 1234:11e8, or an "
              "address such as 0000:00:04.0");
    EXPECT_EQ(refusal("pci:00:04.8"),
              "read the device pci:00:04.8: expected an address such as 0000:00:04.0");
    EXPECT_EQ(refusal("file:/a?irq=/b"),
              "read the device file:/a?irq=/b: \"irq\" is not known here; there is interrupt=/path");
    EXPECT_EQ(refusal("gpio:gpiochip0"), "read the device gpio:gpiochip0: expected CHIP:LINE such as "
                                         "gpiochip0:17, or :NAME of a line");
    EXPECT_EQ(refusal("gpio:a:1?pull=up"),
              "read the device gpio:a:1?pull=up: \"pull\" is not known here; there is direction, value, "
              "active_low, bias, debounce, edges, drive");
    EXPECT_EQ(refusal("gpio:a:1?bias=up"),
              "read the device gpio:a:1?bias=up: bias is \"up\", expected unchanged, off, pull_up or "
              "pull_down");
    EXPECT_EQ(refusal("gpio:a:1?edges=both&direction=output"),
              "read the device gpio:a:1?edges=both&direction=output: edges and debounce are an input's, and "
              "this is an output");
    EXPECT_EQ(refusal("gpio:a:1?value=1"), "read the device gpio:a:1?value=1: value and drive are an "
                                           "output's, and this is an input without direction=output");
    EXPECT_EQ(refusal("input:"), "read the device input:: expected eventN, or what the device calls itself");
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
                                        "gpio:",
                                        "gpio::",
                                        "gpio:a:",
                                        "gpio:17",
                                        "gpio:a:1?&",
                                        "gpio:a:1?edges",
                                        "gpio:a:1?edges=Both",
                                        "gpio:a:1?value=2&direction=output",
                                        "gpio:a:1?debounce=-1",
                                        "gpio:a:1?debounce=4294967296",
                                        "gpio:a:1?drive=open_drain",
                                        "gpio:a:1?direction=output&debounce=1",
                                        "input:",
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
