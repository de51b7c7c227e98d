// The datagrams of sd_notify(3): what a child says of itself.
#pragma once

#include "base/clock.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <sys/types.h>

namespace vb::init {

struct Notification {
    bool ready = false;
    bool reloading = false;
    bool stopping = false;
    bool alive = false;                                 // WATCHDOG=1
    bool stuck = false;                                 // WATCHDOG=trigger
    std::optional<base::Nanoseconds> watchdog_interval; // WATCHDOG_USEC=
    std::optional<base::Nanoseconds> more_time;         // EXTEND_TIMEOUT_USEC=
    pid_t main_process = 0;                             // MAINPID=
    int error_number = 0;                               // ERRNO=
    std::optional<std::uint32_t> landlock_abi;          // X_VECTOR_BOOT_LANDLOCK=; 0: the kernel has none
    std::string_view status;                            // free text for people; a view into the datagram
};

// Lines NAME=value; those that mean nothing to us, or whose number is none, are passed over, as the protocol wants.
Notification parse_notification(std::string_view datagram) noexcept;

} // namespace vb::init
