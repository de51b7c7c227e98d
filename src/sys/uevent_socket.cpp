#include "sys/uevent_socket.h"

#include <cstring>
#include <linux/netlink.h>
#include <sys/socket.h>

namespace vb::sys {

using base::Result;
using base::system_error;
using base::UniqueFd;

namespace {

constexpr unsigned int kernel_group = 1; // udev's own messages come in group 2

// A bus with many devices says so all at once; the kernel keeps what we have not read, up to this.
constexpr int receive_buffer = 4 << 20;

// No socket of a process can have port 0. The credentials say it once more; not their uid, which in a user namespace
// that does not know root is somebody's.
bool is_from_kernel(const msghdr& message, const sockaddr_nl& sender) noexcept {
    const cmsghdr* const header = CMSG_FIRSTHDR(&message);
    if (header == nullptr || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_CREDENTIALS ||
        header->cmsg_len < CMSG_LEN(sizeof(ucred))) {
        return false;
    }
    ucred credentials{};
    std::memcpy(&credentials, CMSG_DATA(header), sizeof credentials);
    return sender.nl_family == AF_NETLINK && sender.nl_pid == 0 && credentials.pid == 0;
}

} // namespace

Result<UniqueFd> open_uevents() noexcept {
    UniqueFd socket(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT));
    if (!socket) { return system_error("socket", "uevents"); }
    const int on = 1;
    if (::setsockopt(socket.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) {
        return system_error("setsockopt", "uevents");
    }
    // Without the right to exceed the system's limit the default has to do: what is lost is looked for again.
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer, sizeof receive_buffer);
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = kernel_group;
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return system_error("bind", "uevents");
    }
    return socket;
}

std::optional<DeviceEvent> receive_uevent(int socket, std::span<char> buffer) noexcept {
    // Bounded: somebody else's messages, which a privileged process can send without end, do not keep us here.
    for (int attempt = 0; attempt < 64; ++attempt) {
        iovec part{.iov_base = buffer.data(), .iov_len = buffer.size()};
        alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred))];
        sockaddr_nl sender{};
        msghdr message{};
        message.msg_name = &sender;
        message.msg_namelen = sizeof sender;
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        const ssize_t size = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (size < 0) {
            if (errno == ENOBUFS) { return DeviceEvent{.text = {}, .lost = true}; }
            return std::nullopt;
        }
        if (!is_from_kernel(message, sender)) { continue; }
        if ((message.msg_flags & MSG_TRUNC) != 0) { return DeviceEvent{.text = {}, .lost = true}; }
        return DeviceEvent{.text = {buffer.data(), static_cast<std::size_t>(size)}, .lost = false};
    }
    return std::nullopt;
}

} // namespace vb::sys
