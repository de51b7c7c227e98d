#include "runtime/listen.h"

#include "sys/native_kernel.h"

#include <algorithm>
#include <ranges>
#include <unistd.h>
#include <utility>

namespace vb::runtime {

namespace {

constexpr int first_fd = 3;
constexpr int most_fds = 64;

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
        const int fd = first_fd + index;
        if (named && names[static_cast<std::size_t>(index)] != "http") {
            ::close(fd); // nobody here uses it
            continue;
        }
        auto socket = sys::NativeKernel().adopt_listening(fd);
        if (!socket) { return std::unexpected(socket.error()); }
        sockets.push_back(std::move(*socket));
    }
    return sockets;
}

base::Result<base::UniqueFd> bind_socket(std::string_view address) {
    return sys::parse_socket_address(address).and_then(
        [](const sys::SocketAddress& parsed) { return sys::NativeKernel().listen(parsed); });
}

} // namespace vb::runtime
