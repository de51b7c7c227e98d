// The socket of the kernel's uevents, in a network namespace of the test's own where somebody else sends, too.
#include "sys/native_kernel.h"

#include "unit/own_network.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

namespace vb {
namespace {

// Without those of /dev/null, which another test may be making at this moment.
std::optional<sys::DeviceEvent> next(sys::NativeKernel& kernel, int socket, std::span<char> buffer) {
    auto event = kernel.receive_uevent(socket, buffer);
    while (event && event->text.contains("/mem/null")) {
        event = kernel.receive_uevent(socket, buffer);
    }
    return event;
}

TEST(UeventSocket, BelievesTheKernelAndNobodyElse) {
    in_own_network([] {
        sys::NativeKernel kernel;
        const auto socket = kernel.open_uevents();
        ASSERT_TRUE(socket);
        char buffer[8192];
        EXPECT_FALSE(next(kernel, socket->get(), buffer));
        ASSERT_TRUE(send_as_somebody_else("add@/devices/forged"));
        EXPECT_FALSE(next(kernel, socket->get(), buffer));
        ASSERT_TRUE(send_as_somebody_else("add@/devices/forged"));
        const base::UniqueFd tap = make_tap();
        if (!tap) { GTEST_SKIP() << "no tap device here"; }
        const auto event = next(kernel, socket->get(), buffer);
        ASSERT_TRUE(event);
        EXPECT_FALSE(event->lost);
        EXPECT_TRUE(event->text.starts_with("add@/devices/virtual/net/vbtest0")) << event->text;
    });
}

TEST(UeventSocket, SaysWhenEventsWereLost) {
    in_own_network([] {
        sys::NativeKernel kernel;
        const auto socket = kernel.open_uevents();
        ASSERT_TRUE(socket);
        const int small = 1;
        ASSERT_EQ(::setsockopt(socket->get(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
        for (int count = 0; count < 20; ++count) {
            if (!make_tap()) { GTEST_SKIP() << "no tap device here"; }
        }
        char buffer[8192];
        int lost = 0;
        while (const auto event = kernel.receive_uevent(socket->get(), buffer)) {
            lost += event->lost ? 1 : 0;
        }
        EXPECT_GE(lost, 1);
    });
}

TEST(UeventSocket, TakesAMessageThatDoesNotFitForALostOne) {
    in_own_network([] {
        sys::NativeKernel kernel;
        const auto socket = kernel.open_uevents();
        ASSERT_TRUE(socket);
        if (!make_tap()) { GTEST_SKIP() << "no tap device here"; }
        char buffer[16];
        const auto event = kernel.receive_uevent(socket->get(), buffer);
        ASSERT_TRUE(event);
        EXPECT_TRUE(event->lost);
    });
}

} // namespace
} // namespace vb
