// The datagrams of sd_notify(3): what a child says of itself.
#pragma once

#include <string_view>

namespace vb::init {

struct Notification {
    bool ready = false;
    std::string_view status; // free text for people; a view into the datagram
};

// Lines NAME=value; those that mean nothing to us are passed over, as the protocol wants.
Notification parse_notification(std::string_view datagram) noexcept;

} // namespace vb::init
