#include "sys/native_kernel.h"

#include <algorithm>
#include <cstring>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace vb::sys {

using base::system_error;

namespace {

constexpr int most_waiting_connections = 16;

Result<sockaddr_un> address_of(const char* path) noexcept {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::size_t length = std::strlen(path);
    if (length >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return system_error("bind", path);
    }
    std::memcpy(address.sun_path, path, length);
    return address;
}

// Whether a socket file is left over: connecting to it is refused. A full backlog (EAGAIN) is a live one. The
// kernel refuses likewise what is no socket at all, which is not ours to remove.
bool is_abandoned(const sockaddr_un& address) noexcept {
    struct stat status{};
    if (::lstat(address.sun_path, &status) != 0 || !S_ISSOCK(status.st_mode)) { return false; }
    const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    return probe &&
           ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
           errno == ECONNREFUSED;
}

bool bind_to(int socket, const sockaddr_un& address) noexcept {
    return ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

} // namespace

uid_t NativeKernel::user_id() noexcept { return ::geteuid(); }

Result<UniqueFd> NativeKernel::listen_unix(const char* path, mode_t mode,
                                           std::optional<gid_t> group) noexcept {
    const auto address = address_of(path);
    if (!address) { return std::unexpected(address.error()); }
    UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) { return system_error("socket", path); }
    // The file that bind(2) makes has this mode from its beginning, less the umask; the rest is chmod's.
    if (::fchmod(socket.get(), mode) != 0) { return system_error("fchmod", path); }
    bool bound = bind_to(socket.get(), *address);
    if (!bound && errno == EADDRINUSE) {
        if (is_abandoned(*address)) { ::unlink(path); }
        bound = bind_to(socket.get(), *address);
    }
    if (!bound) { return system_error("bind", path); }
    if (group && ::chown(path, static_cast<uid_t>(-1), *group) != 0) { return system_error("chown", path); }
    if (::chmod(path, mode) != 0) { return system_error("chmod", path); }
    if (::listen(socket.get(), most_waiting_connections) != 0) { return system_error("listen", path); }
    return socket;
}

Result<Connection> NativeKernel::accept(int listener) noexcept {
    UniqueFd socket(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket) { return system_error("accept", ""); }
    ucred credentials{};
    socklen_t length = sizeof credentials;
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) {
        return system_error("SO_PEERCRED", "");
    }
    return Connection{
        .socket = std::move(socket),
        .peer = {.process = credentials.pid, .user = credentials.uid, .group = credentials.gid}};
}

bool NativeKernel::is_peer_in_group(int socket, gid_t group) noexcept {
    ucred credentials{};
    socklen_t length = sizeof credentials;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) { return false; }
    if (credentials.gid == group) { return true; }
    gid_t groups[1024] = {}; // whoever is in more of them is in none for us
    length = sizeof groups;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups, &length) != 0) { return false; }
    return std::ranges::contains(std::span(groups).first(length / sizeof(gid_t)), group);
}

Result<std::size_t> NativeKernel::receive_part(int socket, std::span<char> buffer) noexcept {
    const ssize_t count = ::recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count < 0) { return system_error("recv", ""); }
    return static_cast<std::size_t>(count);
}

Result<std::size_t> NativeKernel::send_part(int socket, std::string_view bytes) noexcept {
    const ssize_t count = ::send(socket, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0) { return system_error("send", ""); }
    return static_cast<std::size_t>(count);
}

Result<> NativeKernel::watch_for(int poll, int fd, Readiness readiness) noexcept {
    epoll_event event{};
    event.events = readiness == Readiness::readable ? EPOLLIN : EPOLLOUT;
    event.data.fd = fd;
    if (::epoll_ctl(poll, EPOLL_CTL_MOD, fd, &event) != 0) { return system_error("epoll_ctl", ""); }
    return {};
}

void NativeKernel::unwatch(int poll, int fd) noexcept {
    epoll_event ignored{};
    ::epoll_ctl(poll, EPOLL_CTL_DEL, fd, &ignored);
}

} // namespace vb::sys
