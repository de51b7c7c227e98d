// GPIO lines, input devices and uevents behind the C interface, on a machine that need not have any of the former.
#include "vector_boot_device.h"

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <poll.h>
#include <string>

namespace {

template <class Handle>
std::string refusal(std::int32_t (*open)(const char*, Handle**), const char* what) {
    Handle* handle = nullptr;
    EXPECT_EQ(open(what, &handle), VB_ERROR_DEVICE) << what;
    EXPECT_EQ(handle, nullptr) << what;
    return vb_error_last();
}

TEST(LineTest, SaysWhatIsWrong) {
    EXPECT_EQ(refusal(vb_gpio_open, "gpio:a:1?value=2"),
              "read the device gpio:a:1?value=2: value is \"2\", expected 0 or 1");
    EXPECT_EQ(refusal(vb_gpio_open, "input:event0"),
              "open the GPIO line input:event0: it is an input device: Input() in Python and "
              "vb_input_open() in C open it");
    EXPECT_EQ(refusal(vb_input_open, "pci:1234:11e8"),
              "open the input device pci:1234:11e8: it is a device with registers: Device() in Python and "
              "vb_device_open() in C open it");
    EXPECT_EQ(refusal(vb_input_open, "keys"),
              "there is no device \"keys\": expected a [[device]] of that name in config.toml, or "
              "VECTOR_BOOT_DEVICE_NAME in the environment, or a text such as \"input:event0\"");
}

TEST(LineTest, ANameStandsForItsText) {
    ::setenv("VECTOR_BOOT_DEVICE_MY_LED", "gpio:no-such-chip:1", 1);
    EXPECT_TRUE(refusal(vb_gpio_open, "my-led").contains("no-such-chip"));
    ::setenv("VECTOR_BOOT_DEVICE_MY_LED", "input:no such keyboard", 1);
    EXPECT_TRUE(refusal(vb_input_open, "my-led").contains("no such keyboard"));
    EXPECT_TRUE(refusal(vb_gpio_open, "my-led").contains("vb_input_open()"));
    ::unsetenv("VECTOR_BOOT_DEVICE_MY_LED");
}

TEST(LineTest, ADeviceMayBeCheckedBeforeItIsThere) {
    EXPECT_EQ(vb_device_check("pci:ffff:ffff"), VB_OK);
    EXPECT_EQ(vb_device_check("pci:ffff"), VB_ERROR_DEVICE);
    EXPECT_EQ(vb_device_check("input:event0"), VB_ERROR_DEVICE);
    EXPECT_EQ(vb_device_check("nobody"), VB_ERROR_DEVICE);
    EXPECT_EQ(vb_device_check(nullptr), VB_ERROR_ARGUMENT);
}

// The kernel says of the device what it is told to. Tests run side by side: each takes one of its own.
bool announce(const char* action, const char* device) {
    std::ofstream file(std::string("/sys/class/mem/") + device + "/uevent");
    return static_cast<bool>(file << action << std::flush);
}

class UeventsTest : public ::testing::Test {
  protected:
    UeventsTest() { EXPECT_EQ(vb_uevents_open(&uevents), VB_OK) << vb_error_last(); }
    ~UeventsTest() override { vb_uevents_free(uevents); }
    // The next one of /dev/full, whatever else comes.
    std::string next() const {
        pollfd state{.fd = vb_uevents_fd(uevents), .events = POLLIN, .revents = 0};
        vb_uevent event = VB_UEVENT_INIT;
        for (int count = 0; count < 1000; ++count) {
            const std::int32_t status = vb_uevents_take(uevents, &event);
            if (status == VB_AGAIN && ::poll(&state, 1, 20'000) != 1) { return "none"; }
            const std::string path = status == VB_OK ? event.path : "";
            if (path == "/devices/virtual/mem/full") {
                return std::string(event.action) + " " + event.subsystem + " " + event.name;
            }
        }
        return "others";
    }

    vb_uevents* uevents = nullptr;
};

TEST_F(UeventsTest, ComeOneByOne) {
    if (!announce("change", "full")) { GTEST_SKIP() << "/sys cannot be written to"; }
    ASSERT_TRUE(announce("add", "full"));
    EXPECT_EQ(next(), "change mem full");
    EXPECT_EQ(next(), "add mem full");
}

TEST_F(UeventsTest, FillWhatTheCallerHasRoomFor) {
    if (!announce("change", "zero")) { GTEST_SKIP() << "/sys cannot be written to"; }
    vb_uevent event = VB_UEVENT_INIT;
    event.struct_size = 0;
    EXPECT_EQ(vb_uevents_take(uevents, &event), VB_ERROR_ARGUMENT);
    EXPECT_TRUE(std::string(vb_error_last()).contains("event.struct_size is 0")) << vb_error_last();
    event.struct_size = offsetof(vb_uevent, path);
    while (vb_uevents_take(uevents, &event) == VB_AGAIN) {}
    EXPECT_NE(event.action, nullptr);
    EXPECT_EQ(event.path, nullptr); // of an older caller, who has no such member
}

} // namespace
