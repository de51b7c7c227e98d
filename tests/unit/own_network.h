// A network namespace of the test's own, in which devices come as it wants, and where it may say so in the kernel's place.
#pragma once

#include "base/unique_fd.h"

#include <cstring>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <sched.h>
#include <string_view>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <thread>

namespace vb {

// A device comes: its "add" and those of its queues.
inline base::UniqueFd make_tap() {
    base::UniqueFd tap(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
    ifreq request{};
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    std::memcpy(request.ifr_name, "vbtest0", 8);
    if (tap && ::ioctl(tap.get(), TUNSETIFF, &request) != 0) { tap.reset(); }
    return tap;
}

inline bool send_as_somebody_else(std::string_view text) {
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

} // namespace vb
