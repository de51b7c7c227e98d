#include "sys/native_kernel.h"

#include <cstddef>
#include <cstring>
#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace vb::sys {

using base::system_error;

namespace {

Result<> set_option(int socket, int level, int option, std::string_view object) noexcept {
    const int on = 1;
    if (::setsockopt(socket, level, option, &on, sizeof on) != 0) {
        return system_error("setsockopt", object);
    }
    return {};
}

Result<UniqueFd> open_control_socket() noexcept {
    UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket) { return system_error("socket", "network interfaces"); }
    return socket;
}

ifreq request_for(std::string_view interface) noexcept {
    ifreq request{};
    std::memcpy(request.ifr_name, interface.data(), std::min(interface.size(), sizeof request.ifr_name - 1));
    return request;
}

void set_address(sockaddr& address, in_addr value) noexcept {
    sockaddr_in ipv4{};
    ipv4.sin_family = AF_INET;
    ipv4.sin_addr = value;
    std::memcpy(&address, &ipv4, sizeof ipv4);
}

} // namespace

Result<UniqueFd> NativeKernel::listen(const SocketAddress& address) noexcept {
    UniqueFd socket(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) { return system_error("socket", address.text); }
    if (auto set = set_option(socket.get(), SOL_SOCKET, SO_REUSEADDR, address.text); !set) {
        return std::unexpected(set.error());
    }
    // We bind before the network is up, so that no client is ever refused: the address may come later.
    const bool is_ipv6 = address.storage.ss_family == AF_INET6;
    if (auto set = set_option(socket.get(), is_ipv6 ? IPPROTO_IPV6 : IPPROTO_IP,
                              is_ipv6 ? IPV6_FREEBIND : IP_FREEBIND, address.text);
        !set) {
        return std::unexpected(set.error());
    }
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.length) != 0) {
        return system_error("bind", address.text);
    }
    if (::listen(socket.get(), SOMAXCONN) != 0) { return system_error("listen", address.text); }
    return socket;
}

Result<UniqueFd> NativeKernel::adopt_listening(int fd) noexcept {
    const auto name = base::Text<31>("file descriptor ") << fd;
    int listening = 0;
    socklen_t size = sizeof listening;
    if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0) {
        return system_error("use a passed socket", name);
    }
    if (listening == 0) {
        return base::failure("use a passed socket", name, "expected a listening stream socket");
    }
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) { return system_error("set close-on-exec on", name); }
    return UniqueFd(fd);
}

Result<UniqueFd> NativeKernel::open_notify_socket(base::Text<107>& name) noexcept {
    UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) { return system_error("socket", "notifications"); }
    // Binding the family alone makes the kernel pick a free abstract name ("autobind" in unix(7)).
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socklen_t length = sizeof(sa_family_t);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) {
        return system_error("bind", "notifications");
    }
    length = sizeof address;
    if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) {
        return system_error("getsockname", "notifications");
    }
    if (auto set = set_option(socket.get(), SOL_SOCKET, SO_PASSCRED, "notifications"); !set) {
        return std::unexpected(set.error());
    }
    name.clear();
    name << "@" << std::string_view(address.sun_path + 1, length - offsetof(sockaddr_un, sun_path) - 1);
    return socket;
}

std::optional<Datagram> NativeKernel::receive(int socket, std::span<char> buffer) noexcept {
    iovec part{.iov_base = buffer.data(), .iov_len = buffer.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred))];
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    // Descriptors that somebody attaches do not fit the control buffer, and the kernel drops them.
    const ssize_t size = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size < 0) { return std::nullopt; }
    Datagram datagram{.text = {buffer.data(), static_cast<std::size_t>(size)}, .sender = 0};
    const cmsghdr* const header = CMSG_FIRSTHDR(&message);
    if (header != nullptr && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_CREDENTIALS) {
        ucred credentials{};
        std::memcpy(&credentials, CMSG_DATA(header), sizeof credentials);
        datagram.sender = credentials.pid;
    }
    return datagram;
}

Result<> NativeKernel::bring_up(const char* interface) noexcept {
    const auto control = open_control_socket();
    if (!control) { return std::unexpected(control.error()); }
    ifreq request = request_for(interface);
    if (::ioctl(control->get(), SIOCGIFFLAGS, &request) != 0) {
        return system_error("SIOCGIFFLAGS", interface);
    }
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
    if (::ioctl(control->get(), SIOCSIFFLAGS, &request) != 0) {
        return system_error("SIOCSIFFLAGS", interface);
    }
    return {};
}

Result<> NativeKernel::configure(const Ipv4Interface& interface) noexcept {
    const auto control = open_control_socket();
    if (!control) { return std::unexpected(control.error()); }
    ifreq request = request_for(interface.name);
    set_address(request.ifr_addr, interface.address);
    if (::ioctl(control->get(), SIOCSIFADDR, &request) != 0) {
        return system_error("SIOCSIFADDR", interface.name);
    }
    set_address(request.ifr_netmask, interface.netmask);
    if (::ioctl(control->get(), SIOCSIFNETMASK, &request) != 0) {
        return system_error("SIOCSIFNETMASK", interface.name);
    }
    if (auto up = bring_up(interface.name.c_str()); !up) { return up; }
    if (interface.gateway.s_addr == 0) { return {}; }
    rtentry route{};
    set_address(route.rt_dst, in_addr{});
    set_address(route.rt_genmask, in_addr{});
    set_address(route.rt_gateway, interface.gateway);
    route.rt_flags = RTF_UP | RTF_GATEWAY;
    if (::ioctl(control->get(), SIOCADDRT, &route) != 0 && errno != EEXIST) {
        return system_error("SIOCADDRT", interface.name);
    }
    return {};
}

} // namespace vb::sys
