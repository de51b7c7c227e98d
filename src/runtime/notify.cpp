#include "runtime/notify.h"

#include <cstddef>
#include <cstring>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <utility>

namespace vb::runtime {

base::Result<Notifier> Notifier::connect(std::string_view address) {
    Notifier notifier;
    if (address.empty()) { return notifier; }
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    const bool known = address.front() == '/' || address.front() == '@';
    if (!known || address.size() >= sizeof name.sun_path) {
        return base::failure("use NOTIFY_SOCKET", address, "expected an absolute path or '@' and a name");
    }
    std::memcpy(name.sun_path, address.data(), address.size());
    // An abstract name is as long as it is said to be, and '@' stands for its leading NUL; a path ends with
    // one.
    const bool abstract = address.front() == '@';
    if (abstract) { name.sun_path[0] = '\0'; }
    const std::size_t size = offsetof(sockaddr_un, sun_path) + address.size() + (abstract ? 0 : 1);

    base::UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket) { return base::system_error("create a socket for", address); }
    const timeval patience{.tv_sec = 1, .tv_usec = 0}; // with a supervisor whose queue is full
    if (::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) < 0 ||
        ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&name), static_cast<socklen_t>(size)) < 0) {
        return base::system_error("connect to", address);
    }
    notifier.socket_ = std::move(socket);
    return notifier;
}

base::Result<> Notifier::send(std::string_view lines) const {
    if (socket_ && ::send(socket_.get(), lines.data(), lines.size(), MSG_NOSIGNAL) < 0) {
        return base::system_error("notify the supervisor of", lines);
    }
    return {};
}

} // namespace vb::runtime
