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

// inet_pton(3) for text that need not end in NUL: in_addr for AF_INET, in6_addr for AF_INET6.
bool parse_ip_address(int family, std::string_view text, void* address) noexcept;

base::Result<SocketAddress> parse_socket_address(std::string_view text) noexcept;

} // namespace vb::sys
