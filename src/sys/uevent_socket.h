// The socket on which the kernel says that a device comes or goes. PID 1 has it behind sys::Kernel; any other program
// may have one of its own. What anybody else sends to it is never returned.
#pragma once

#include "base/error.h"
#include "base/unique_fd.h"

#include <optional>
#include <span>
#include <string_view>

namespace vb::sys {

struct DeviceEvent {
    std::string_view text; // a uevent, which points into the caller's buffer
    bool lost = false;     // instead: the kernel had no room for some
};

// What one has room for: the kernel's own bound is 2048 bytes of variables, and a path.
inline constexpr std::size_t largest_uevent = 8192;

// It does not block, and is readable when there are some.
base::Result<base::UniqueFd> open_uevents() noexcept;
std::optional<DeviceEvent> receive_uevent(int socket, std::span<char> buffer) noexcept;

} // namespace vb::sys
