#include "unit/init/simulated_unix_sockets.h"

#include <algorithm>
#include <fcntl.h>

namespace vb::simulation {

namespace {

sys::UniqueFd open_null() { return sys::UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

std::unexpected<base::Error> fault(int number) {
    errno = number;
    return base::system_error("simulated", "");
}

} // namespace

std::vector<std::string> SimulatedClient::take_messages() {
    std::vector<std::string> messages;
    for (std::size_t end = 0; (end = received.find('\0')) != std::string::npos; received.erase(0, end + 1)) {
        messages.push_back(received.substr(0, end));
    }
    return messages;
}

SimulatedClient& SimulatedUnixSockets::connect(uid_t user, std::set<gid_t> groups) {
    auto& client = *clients_.emplace_back(std::make_unique<SimulatedClient>());
    client.peer = {.process = static_cast<pid_t>(1000 + clients_.size()), .user = user, .group = user};
    client.groups = std::move(groups);
    waiting_.push_back(&client);
    return client;
}

std::optional<int> SimulatedUnixSockets::ready() {
    // In turn, as epoll does it: the one that was ready last comes last.
    auto next = watched_.upper_bound(last_ready_);
    for (std::size_t count = 0; count < watched_.size(); ++count, ++next) {
        if (next == watched_.end()) { next = watched_.begin(); }
        if (!is_ready(next->first, next->second)) { continue; }
        last_ready_ = next->first;
        return last_ready_;
    }
    return std::nullopt;
}

bool SimulatedUnixSockets::is_ready(int fd, sys::Readiness awaited) {
    if (fd == listener_) { return !waiting_.empty(); }
    const SimulatedClient* const client = find(fd);
    if (client == nullptr) { return false; }
    if (client->has_gone) { return true; } // EPOLLHUP is never asked for
    if (awaited == sys::Readiness::writable) { return client->room > 0; }
    return !client->sends.empty() || client->has_shut_down;
}

SimulatedClient* SimulatedUnixSockets::find(int fd) {
    const auto found = std::ranges::find_if(
        clients_, [fd](const auto& client) { return client->fd == fd && !client->was_dropped; });
    return found == clients_.end() ? nullptr : found->get();
}

sys::Result<sys::UniqueFd> SimulatedUnixSockets::listen(const char* at, mode_t with,
                                                        std::optional<gid_t> of) {
    path = at;
    mode = with;
    group = of;
    auto socket = open_null();
    listener_ = socket.get();
    return socket;
}

sys::Result<sys::Connection> SimulatedUnixSockets::accept() {
    if (accept_error != 0) { return fault(accept_error); }
    if (waiting_.empty()) { return fault(EAGAIN); }
    SimulatedClient& client = *waiting_.front();
    waiting_.pop_front();
    auto socket = open_null();
    // Its number may have been another's, who was closed without ever having been watched.
    if (SimulatedClient* const before = find(socket.get())) { before->was_dropped = true; }
    client.fd = socket.get();
    return sys::Connection{.socket = std::move(socket), .peer = client.peer};
}

bool SimulatedUnixSockets::is_in_group(int fd, gid_t wanted) {
    const SimulatedClient* const client = find(fd);
    return client != nullptr && (client->peer.group == wanted || client->groups.contains(wanted));
}

sys::Result<std::size_t> SimulatedUnixSockets::receive(int fd, std::span<char> buffer) {
    SimulatedClient* const client = find(fd);
    if (client == nullptr) { return fault(EBADF); }
    if (client->sends.empty()) {
        if (client->has_shut_down || client->has_gone) { return 0; }
        return fault(EAGAIN);
    }
    std::string& first = client->sends.front();
    const std::size_t count = std::min(first.size(), buffer.size());
    std::copy_n(first.data(), count, buffer.data());
    first.erase(0, count);
    if (first.empty()) { client->sends.pop_front(); }
    return count;
}

sys::Result<std::size_t> SimulatedUnixSockets::send(int fd, std::string_view bytes) {
    SimulatedClient* const client = find(fd);
    if (client == nullptr) { return fault(EBADF); }
    if (client->has_gone) { return fault(EPIPE); }
    if (client->room == 0) { return fault(EAGAIN); }
    const std::size_t count = std::min(bytes.size(), client->room);
    client->received.append(bytes.substr(0, count));
    client->room -= count;
    return count;
}

sys::Result<> SimulatedUnixSockets::watch(int fd, sys::Readiness readiness) {
    if (watch_error != 0) { return fault(watch_error); }
    watched_[fd] = readiness;
    return {};
}

void SimulatedUnixSockets::unwatch(int fd) {
    watched_.erase(fd);
    if (SimulatedClient* const client = find(fd)) { client->was_dropped = true; }
}

} // namespace vb::simulation
