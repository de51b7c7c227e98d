// The Varlink server of PID 1. It lives in somebody else's epoll loop, which calls handle() when a descriptor is
// ready; it never blocks, does one call of one client a turn, and a client that is slow, silent or hostile loses
// its own connection and nothing else. At most 16 connections, 64 KiB for a message in and 256 KiB for what waits to
// go out of each; an idle connection has no buffer at all.
#pragma once

#include "base/log.h"
#include "control/byte_buffer.h"
#include "control/call.h"
#include "control/commands.h"
#include "control/reply.h"
#include "sys/kernel.h"

#include <array>

namespace vb::control {

class Server {
  public:
    static constexpr std::size_t most_connections = 16;
    static constexpr std::size_t most_message = std::size_t{64} << 10;
    static constexpr std::size_t most_output = std::size_t{256} << 10;

    // Root and the user that this process runs as may ask everything, and the members of `group` if there is one.
    Server(sys::Kernel& kernel, Commands& commands, const base::Log& log, std::string_view version,
           std::optional<gid_t> group = {}) noexcept;

    void set_group(std::optional<gid_t> group) noexcept { group_ = group; }
    // Listens at `path` and has `poll` watch it and the connections; `poll` outlives the server.
    base::Result<> open(int poll, const char* path) noexcept;
    // What the loop does with a descriptor that is ready: false if it is none of ours.
    bool handle(int fd) noexcept;
    // Tells every watcher how a unit is now: to be called on each change of its state. May be called from
    // within Commands.
    void publish(const Unit& unit) noexcept;
    // When handle_deadline() wants to be called: only while no connection can be accepted for lack of resources.
    std::optional<base::Nanoseconds> deadline() const noexcept { return listens_again_at_; }
    void handle_deadline() noexcept;
    // Closes the connections and listens no more.
    void close() noexcept;

  private:
    struct Session {
        base::UniqueFd socket;
        sys::Peer peer{};
        bool is_trusted = false;
        bool is_watching = false; // asked Watch: there is nothing more to hear from it
        bool has_ended = false;   // sends nothing more, but may still read
        sys::Readiness awaited = sys::Readiness::readable;
        base::Nanoseconds last_active{};
        ByteBuffer input{most_message};
        ByteBuffer output{most_output};
    };

    void accept_one() noexcept;
    void handle_exhaustion() noexcept;
    Session* free_session() noexcept;
    Session* longest_silent() noexcept;
    bool is_trusted(const sys::Connection& connection) noexcept;

    // These say false where the connection has to be given up.
    bool take_turn(Session& session) noexcept;
    bool receive(Session& session) noexcept;
    bool flush(Session& session) noexcept;
    bool await_next(Session& session) noexcept;
    void drop(Session& session) noexcept;

    // In methods.cpp.
    bool answer(Session& session, std::string_view message) noexcept;
    bool describe_service(const Call& call, Replies& replies) noexcept;
    bool carry_out(Session& session, const Call& call, Replies& replies) noexcept;
    bool watch(Session& session, Replies& replies) noexcept;

    sys::Kernel& kernel_;
    Commands& commands_;
    const base::Log& log_;
    std::string_view version_;
    std::optional<gid_t> group_;
    int poll_ = -1;
    base::UniqueFd listener_;
    std::optional<base::Nanoseconds> listens_again_at_;
    std::array<Session, most_connections> sessions_;
};

} // namespace vb::control
