#include "control/server.h"

#include <cerrno>

namespace vb::control {

namespace {

// The first whole message without its NUL, if there is one.
std::optional<std::string_view> first_message(const ByteBuffer& input) noexcept {
    const std::size_t end = input.view().find('\0');
    if (end == std::string_view::npos) { return std::nullopt; }
    return input.view().substr(0, end);
}

bool would_block(const base::Error& error) noexcept {
    return error.number == EAGAIN || error.number == EINTR;
}

} // namespace

Server::Server(sys::Kernel& kernel, Commands& commands, const base::Log& log, std::string_view version,
               std::optional<gid_t> group) noexcept
    : kernel_(kernel), commands_(commands), log_(log), version_(version), group_(group) {}

base::Result<> Server::open(int poll, const char* path) noexcept {
    auto listener = kernel_.listen_unix(path, group_ ? 0660 : 0600, group_);
    if (!listener) { return std::unexpected(listener.error()); }
    if (auto watched = kernel_.watch(poll, listener->get()); !watched) { return watched; }
    poll_ = poll;
    listener_ = std::move(*listener);
    return {};
}

bool Server::handle(int fd) noexcept {
    if (fd < 0) { return false; }
    if (fd == listener_.get()) {
        accept_one();
        return true;
    }
    for (Session& session : sessions_) {
        if (session.socket.get() != fd) { continue; }
        if (!take_turn(session)) { drop(session); }
        return true;
    }
    return false;
}

void Server::publish(const Unit& unit) noexcept {
    for (Session& session : sessions_) {
        if (!session.socket || !session.is_watching) { continue; }
        Replies replies(session.output, false);
        // A watcher that does not read has filled its output.
        if (!replies.event(unit) || !flush(session) || !await_next(session)) { drop(session); }
    }
}

void Server::handle_deadline() noexcept {
    if (!listens_again_at_ || kernel_.now() < *listens_again_at_) { return; }
    listens_again_at_.reset();
    if (!kernel_.watch(poll_, listener_.get())) { handle_exhaustion(); }
}

void Server::close() noexcept {
    for (Session& session : sessions_) {
        if (session.socket) { drop(session); }
    }
    if (listener_ && !listens_again_at_) { kernel_.unwatch(poll_, listener_.get()); }
    listens_again_at_.reset();
    listener_.reset();
}

void Server::accept_one() noexcept {
    auto accepted = kernel_.accept(listener_.get());
    if (!accepted) {
        const int number = accepted.error().number;
        if (number == EMFILE || number == ENFILE || number == ENOMEM || number == ENOBUFS) {
            handle_exhaustion();
        } // else the client has gone away again
        return;
    }
    Session* session = free_session();
    if (session == nullptr) {
        // Whoever has been silent for longest gives way, so that nobody can lock the operator out by sitting still.
        session = longest_silent();
        drop(*session);
    }
    if (!kernel_.watch(poll_, accepted->socket.get())) { return; }
    session->is_trusted = is_trusted(*accepted);
    session->peer = accepted->peer;
    session->socket = std::move(accepted->socket);
    session->last_active = kernel_.now();
}

// The listening socket stays ready while a connection waits that cannot be accepted: give up another connection, or
// look away for a while, since otherwise the loop would spin.
void Server::handle_exhaustion() noexcept {
    if (Session* const session = longest_silent()) {
        drop(*session);
        return;
    }
    kernel_.unwatch(poll_, listener_.get());
    listens_again_at_ = kernel_.now() + std::chrono::seconds(1);
}

Server::Session* Server::free_session() noexcept {
    for (Session& session : sessions_) {
        if (!session.socket) { return &session; }
    }
    return nullptr;
}

Server::Session* Server::longest_silent() noexcept {
    Session* found = nullptr;
    for (Session& session : sessions_) {
        if (session.socket && (found == nullptr || session.last_active < found->last_active)) {
            found = &session;
        }
    }
    return found;
}

bool Server::is_trusted(const sys::Connection& connection) noexcept {
    const uid_t user = connection.peer.user;
    return user == 0 || user == kernel_.user_id() ||
           (group_ && kernel_.is_peer_in_group(connection.socket.get(), *group_));
}

bool Server::take_turn(Session& session) noexcept {
    if (!flush(session)) { return false; }
    // Nothing more is done for a client before it has read what it was told: so its output stays bounded.
    if (!session.output.empty()) { return true; }
    if (!first_message(session.input) && !session.has_ended && !receive(session)) { return false; }
    if (const auto message = first_message(session.input)) {
        const std::size_t size = message->size() + 1;
        if (session.is_watching || !answer(session, *message)) { return false; }
        session.input.consume(size);
    }
    return flush(session) && await_next(session);
}

bool Server::receive(Session& session) noexcept {
    if (session.input.room().empty() && !session.input.grow()) {
        log_.debug("control: message of process ", session.peer.process, " is too long");
        return false;
    }
    const auto received = kernel_.receive_part(session.socket.get(), session.input.room());
    if (!received) { return would_block(received.error()); }
    session.has_ended = *received == 0;
    session.input.commit(*received);
    session.last_active = kernel_.now();
    return true;
}

bool Server::flush(Session& session) noexcept {
    while (!session.output.empty()) {
        const auto sent = kernel_.send_part(session.socket.get(), session.output.view());
        if (!sent) { return would_block(sent.error()); }
        session.output.consume(*sent);
        session.last_active = kernel_.now();
    }
    return true;
}

// Watches the connection for what its next turn needs. A message that is here already needs only that the loop comes
// round again, which writability brings about.
bool Server::await_next(Session& session) noexcept {
    const bool has_work = !session.output.empty() || first_message(session.input);
    // One that has ended and watches has left: nobody would notice later.
    if (session.has_ended && (!has_work || session.is_watching)) { return false; }
    const auto awaited = has_work ? sys::Readiness::writable : sys::Readiness::readable;
    if (awaited == session.awaited) { return true; }
    session.awaited = awaited;
    return kernel_.watch_for(poll_, session.socket.get(), awaited).has_value();
}

void Server::drop(Session& session) noexcept {
    kernel_.unwatch(poll_, session.socket.get());
    session = Session{};
}

} // namespace vb::control
