// The socket of the kernel's uevents, in a network namespace of the test's own where somebody else sends, too.
#include "sys/native_kernel.h"

#include <cstring>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>

namespace {

using namespace vb;

// A device comes: its "add" and those of its queues.
base::UniqueFd make_tap() {
    base::UniqueFd tap(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
    ifreq request{};
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    std::memcpy(request.ifr_name, "vbtest0", 8);
    if (tap && ::ioctl(tap.get(), TUNSETIFF, &request) != 0) { tap.reset(); }
    return tap;
}

bool send_as_somebody_else(std::string_view text) {
    const base::UniqueFd socket(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT));
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = 1;
    return ::sendto(socket.get(), text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&address),
                    sizeof address) == static_cast<ssize_t>(text.size());
}

// On a thread of its own, because a namespace is the thread's.
template <class Test>
void in_own_network(const Test& test) {
    bool entered = false;
    std::thread([&] {
        entered = ::unshare(CLONE_NEWNET) == 0;
        if (entered) { test(); }
    }).join();
    if (!entered) { GTEST_SKIP() << "a network namespace needs rights"; }
}

TEST(UeventSocket, BelievesTheKernelAndNobodyElse) {
    in_own_network([] {
        sys::NativeKernel kernel;
        const auto socket = kernel.open_uevents();
        ASSERT_TRUE(socket);
        char buffer[8192];
        EXPECT_FALSE(kernel.receive_uevent(socket->get(), buffer));
        ASSERT_TRUE(send_as_somebody_else("add@/devices/forged"));
        EXPECT_FALSE(kernel.receive_uevent(socket->get(), buffer));
        ASSERT_TRUE(send_as_somebody_else("add@/devices/forged"));
        const base::UniqueFd tap = make_tap();
        if (!tap) { GTEST_SKIP() << "no tap device here"; }
        const auto event = kernel.receive_uevent(socket->get(), buffer);
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
