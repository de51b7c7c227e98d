#include "sys/socket_address.h"

#include <arpa/inet.h>
#include <cstring>

namespace vb::sys {

namespace {

void set_ipv4(SocketAddress& address, const in_addr& host, std::uint16_t port) noexcept {
    sockaddr_in ipv4{};
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = htons(port);
    ipv4.sin_addr = host;
    std::memcpy(&address.storage, &ipv4, sizeof ipv4);
    address.length = sizeof ipv4;
}

void set_ipv6(SocketAddress& address, const in6_addr& host, std::uint16_t port) noexcept {
    sockaddr_in6 ipv6{};
    ipv6.sin6_family = AF_INET6;
    ipv6.sin6_port = htons(port);
    ipv6.sin6_addr = host;
    std::memcpy(&address.storage, &ipv6, sizeof ipv6);
    address.length = sizeof ipv6;
}

} // namespace

bool parse_ip_address(int family, std::string_view text, void* address) noexcept {
    const base::Text<INET6_ADDRSTRLEN> whole(text);
    if (whole.truncated() || text.contains('\0')) { return false; }
    return inet_pton(family, whole.c_str(), address) == 1;
}

base::Result<SocketAddress> parse_socket_address(std::string_view text) noexcept {
    const auto refuse = [text] {
        return base::failure("parse the address", text,
                             "expected HOST:PORT with a numeric host, such as 127.0.0.1:8080, [::1]:8080 or "
                             "*:8080, and a port from 0 to 65535");
    };
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) { return refuse(); }
    std::uint16_t port = 0;
    if (!base::parse_number(text.substr(colon + 1), port)) { return refuse(); }
    std::string_view host = text.substr(0, colon);

    SocketAddress address;
    address.text = text;
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        in6_addr parsed{};
        if (!parse_ip_address(AF_INET6, host.substr(1, host.size() - 2), &parsed)) { return refuse(); }
        set_ipv6(address, parsed, port);
        return address;
    }
    if (host.empty() || host == "*") { host = "0.0.0.0"; }
    if (host == "localhost") { host = "127.0.0.1"; }
    in_addr parsed{};
    if (!parse_ip_address(AF_INET, host, &parsed)) { return refuse(); }
    set_ipv4(address, parsed, port);
    return address;
}

} // namespace vb::sys
