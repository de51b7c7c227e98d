// Unix sockets of plain data: a test says what clients send, in which pieces, and how much they read; ready() is a
// level-triggered epoll over them.
#pragma once

#include "sys/kernel.h"

#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace vb::simulation {

// A client, as its own side has it.
struct SimulatedClient {
    sys::Peer peer{};
    std::set<gid_t> groups;
    std::deque<std::string> sends;                              // each arrives by itself
    bool has_shut_down = false;                                 // sends nothing after that, may read
    bool has_gone = false;                                      // has closed the socket
    std::size_t room = std::numeric_limits<std::size_t>::max(); // what still fits into its receive buffer
    std::string received;
    bool was_dropped = false; // the server has closed the connection
    int fd = -1;              // the server's descriptor, once accepted

    // The messages that came so far, without their NULs; received is empty then.
    std::vector<std::string> take_messages();
};

class SimulatedUnixSockets {
  public:
    // The client connects and waits to be accepted.
    SimulatedClient& connect(uid_t user, std::set<gid_t> groups = {});
    int accept_error = 0; // errno of accept(2) while it is set
    int watch_error = 0;  // errno of epoll_ctl(2) while it is set
    std::string path;
    mode_t mode = 0;
    std::optional<gid_t> group;

    std::optional<int> ready();
    bool is_watched(int fd) const { return watched_.contains(fd); }
    int listener() const { return listener_; }

    // What the kernel of the test calls.
    sys::Result<sys::UniqueFd> listen(const char* at, mode_t with, std::optional<gid_t> of);
    sys::Result<sys::Connection> accept();
    bool is_in_group(int fd, gid_t wanted);
    sys::Result<std::size_t> receive(int fd, std::span<char> buffer);
    sys::Result<std::size_t> send(int fd, std::string_view bytes);
    sys::Result<> watch(int fd, sys::Readiness readiness);
    void unwatch(int fd);

  private:
    SimulatedClient* find(int fd);
    bool is_ready(int fd, sys::Readiness awaited);

    std::vector<std::unique_ptr<SimulatedClient>> clients_;
    std::deque<SimulatedClient*> waiting_;
    std::map<int, sys::Readiness> watched_;
    int listener_ = -1;
    int last_ready_ = -1;
};

} // namespace vb::simulation
