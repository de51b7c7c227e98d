#include "runtime/listen.h"

#include <algorithm>
#include <fcntl.h>
#include <memory>
#include <netdb.h>
#include <ranges>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace vb::runtime {

namespace {

constexpr int first_fd = 3;
constexpr int most_fds = 64;

base::Result<> check_listening(int fd) {
    const auto name = base::Text<31>("file descriptor ") << fd;
    int listening = 0;
    socklen_t size = sizeof listening;
    if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0) {
        return base::system_error("use a passed socket", name);
    }
    if (listening == 0) {
        return base::failure("use a passed socket", name, "expected a listening stream socket");
    }
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) { return base::system_error("set close-on-exec on", name); }
    return {};
}

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

base::Result<Addresses> resolve(std::string_view address) {
    constexpr std::string_view expected = "expected HOST:PORT, [ADDRESS]:PORT or :PORT";
    const std::size_t colon = address.rfind(':');
    if (colon == std::string_view::npos) { return base::failure("listen on", address, expected); }
    std::string_view host = address.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
    } else if (host.contains(':')) {
        return base::failure("listen on", address, expected);
    }
    unsigned short number = 0;
    const std::string port(address.substr(colon + 1));
    if (!base::parse_number(std::string_view(port), number)) {
        return base::failure("listen on", address, "expected a port from 0 to 65535");
    }
    addrinfo hints{};
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const std::string name(host);
    const int fault = ::getaddrinfo(name.empty() ? nullptr : name.c_str(), port.c_str(), &hints, &found);
    if (fault != 0) { return base::failure("listen on", address, ::gai_strerror(fault)); }
    return Addresses(found, freeaddrinfo);
}

} // namespace

base::Result<std::vector<base::UniqueFd>> inherited_sockets(const ListenVariables& variables) {
    std::vector<base::UniqueFd> sockets;
    pid_t meant = 0;
    // Variables for another process have come through it to us: the descriptors have not.
    if (variables.pid == nullptr || variables.fds == nullptr) { return sockets; }
    if (!base::parse_number(variables.pid, meant)) {
        return base::failure("read LISTEN_PID", variables.pid, "expected a process id");
    }
    if (meant != ::getpid()) { return sockets; }
    int count = 0;
    if (!base::parse_number(variables.fds, count) || count < 0 || count > most_fds) {
        return base::failure("read LISTEN_FDS", variables.fds, "expected a number from 0 to 64");
    }
    std::vector<std::string_view> names;
    if (variables.names != nullptr) {
        for (const auto name : std::views::split(std::string_view(variables.names), ':')) {
            names.emplace_back(name);
        }
        if (std::cmp_not_equal(names.size(), count)) {
            return base::failure("read LISTEN_FDNAMES", variables.names,
                                 "expected as many names as LISTEN_FDS says");
        }
    }
    const bool named = std::ranges::contains(names, "http");
    for (int index = 0; index < count; ++index) {
        base::UniqueFd socket(first_fd + index);
        if (named && names[static_cast<std::size_t>(index)] != "http") { continue; } // nobody here uses it
        if (auto checked = check_listening(socket.get()); !checked) {
            static_cast<void>(socket.release()); // it may be anything: not ours to close
            return std::unexpected(checked.error());
        }
        sockets.push_back(std::move(socket));
    }
    return sockets;
}

base::Result<base::UniqueFd> bind_socket(std::string_view address) {
    const auto addresses = resolve(address);
    if (!addresses) { return std::unexpected(addresses.error()); }
    const addrinfo& first = **addresses;
    base::UniqueFd socket(::socket(first.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) { return base::system_error("create a socket for", address); }
    const int on = 1;
    if (::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        ::bind(socket.get(), first.ai_addr, first.ai_addrlen) < 0) {
        return base::system_error("bind", address);
    }
    if (::listen(socket.get(), SOMAXCONN) < 0) { return base::system_error("listen on", address); }
    return socket;
}

} // namespace vb::runtime
