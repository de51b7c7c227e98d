// The kernel's uevents as a program gets them.
#include "hardware/uevents.h"

#include "unit/hardware/scratch.h"
#include "unit/own_network.h"

#include <algorithm>

namespace vb::hardware {
namespace {

Uevents open() {
    auto uevents = Uevents::open();
    EXPECT_TRUE(uevents) << reason(uevents);
    return *std::move(uevents);
}

TEST(UeventsTest, SayWhatTheKernelSays) {
    in_own_network([] {
        Uevents uevents = open();
        (void)uevents.take(); // does not block
        ASSERT_TRUE(send_as_somebody_else("add@/devices/forged"));
        base::UniqueFd tap = make_tap();
        if (!tap) { GTEST_SKIP() << "no tap device here"; }
        const std::string path = "/devices/virtual/net/vbtest0";
        auto events = uevents.take(); // of all devices: another test may be at work
        EXPECT_TRUE(std::ranges::contains(
            events, Uevent{.action = "add", .path = path, .subsystem = "net", .name = {}}));
        EXPECT_FALSE(std::ranges::contains(events, "/devices/forged", &Uevent::path));
        tap.reset();
        events = uevents.take();
        EXPECT_TRUE(std::ranges::contains(
            events, Uevent{.action = "remove", .path = path, .subsystem = "net", .name = {}}));
    });
}

TEST(UeventsTest, SayThatSomeWereLost) {
    in_own_network([] {
        Uevents uevents = open();
        const int small = 1;
        ASSERT_EQ(::setsockopt(uevents.fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
        for (int count = 0; count < 20; ++count) {
            if (!make_tap()) { GTEST_SKIP() << "no tap device here"; }
        }
        const auto events = uevents.take();
        EXPECT_TRUE(
            std::ranges::contains(events, Uevent{.action = "lost", .path = {}, .subsystem = {}, .name = {}}));
    });
}

TEST(UeventsTest, LeaveTheRestOfAFloodForTheNextTime) {
    in_own_network([] {
        Uevents uevents = open();
        for (int count = 0; count < 50; ++count) {
            if (!make_tap()) { GTEST_SKIP() << "no tap device here"; }
        }
        EXPECT_EQ(uevents.take().size(), 128U);
        EXPECT_FALSE(uevents.take().empty());
    });
}

} // namespace
} // namespace vb::hardware
