// A numeric address to listen on: "127.0.0.1:8080", "[::1]:8080", "*:8080", "localhost:8080". Names are not
// looked up: PID 1 binds before there is a network to ask.
#pragma once

#include "base/error.h"

#include <cstdint>
#include <netinet/in.h>

namespace vb::sys {

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t length = 0;
    base::Text<127> text; // as it was written
};

base::Result<SocketAddress> parse_socket_address(std::string_view text) noexcept;

} // namespace vb::sys
