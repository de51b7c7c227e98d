#include "runtime/access.h"

#include <algorithm>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace vb::runtime {

namespace {

bool are_local(const std::vector<base::UniqueFd>& sockets) {
    return std::ranges::all_of(sockets, [](const base::UniqueFd& socket) {
        sockaddr_storage address{};
        socklen_t size = sizeof address;
        if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) { return false; }
        if (address.ss_family == AF_INET6) {
            return IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr) != 0;
        }
        constexpr in_addr_t loopback_network = 127;
        return address.ss_family != AF_INET ||
               ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr) >> 24U ==
                   loopback_network;
    });
}

} // namespace

base::Result<Access> open_access(const Options& options, http::EventLoop& loop, const base::Log& log,
                                 const std::vector<base::UniqueFd>& sockets) {
    Access access;
    access.local = are_local(sockets);
    if (!options.certificate.empty()) {
        auto tls = http::load_tls(options.certificate, options.private_key);
        if (!tls) { return std::unexpected(tls.error()); }
        access.tls = std::move(*tls);
    }
    if (!options.keys.empty()) {
        auto keys = http::ApiKeys::open(loop, options.keys, log);
        if (!keys) { return std::unexpected(keys.error()); }
        access.keys = std::move(*keys);
    }
    return access;
}

} // namespace vb::runtime
