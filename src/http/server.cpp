#include "http/server.h"

#include "http/error_reply.h"

#include <array>
#include <cerrno>
#include <event2/event.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <utility>

namespace vb::http {

namespace {

// Accepted sockets inherit what the listening one is set to.
struct SocketOption {
    int level, name, value;
    const char* operation;
};
constexpr SocketOption socket_options[] = {
    // Each token is a small packet that must not wait for the client's acknowledgement of the last.
    {IPPROTO_TCP, TCP_NODELAY, 1, "set TCP_NODELAY on"},
    // Clients whose machine or network is gone say nothing: a minute later they are known to be.
    {SOL_SOCKET, SO_KEEPALIVE, 1, "set SO_KEEPALIVE on"},
    {IPPROTO_TCP, TCP_KEEPIDLE, 30, "set TCP_KEEPIDLE on"},
    {IPPROTO_TCP, TCP_KEEPINTVL, 10, "set TCP_KEEPINTVL on"},
    {IPPROTO_TCP, TCP_KEEPCNT, 3, "set TCP_KEEPCNT on"},
};

std::string address_text(const sockaddr& address) {
    std::array<char, NI_MAXHOST> text{};
    const socklen_t size = address.sa_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
    if ((address.sa_family != AF_INET && address.sa_family != AF_INET6) ||
        ::getnameinfo(&address, size, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0) {
        return "local"; // a UNIX socket's client has no address
    }
    const std::string_view plain(text.data());
    constexpr std::string_view mapped = "::ffff:"; // IPv4 at an IPv6 socket
    return std::string(plain.starts_with(mapped) ? plain.substr(mapped.size()) : plain);
}

} // namespace

void Server::FreeListener::operator()(evconnlistener* listener) const noexcept {
    evconnlistener_free(listener);
}

Server::Server(EventLoop& loop, Handler handle, const Limits& limits, Tls* tls)
    : loop_(loop), handle_(std::move(handle)), limits_(limits), tls_(tls),
      accept_again_(loop, [this] { go_on_accepting(); }), clear_ended_(loop, [this] { ended_.clear(); }) {}

Server::~Server() {
    idle_ = nullptr;
    finished_ = nullptr;
    connections_.clear(); // tells the exchanges, while the rest of the server is still there
}

base::Result<> Server::accept_from(base::UniqueFd socket) {
    const int flags = ::fcntl(socket.get(), F_GETFL);
    if (flags < 0 || ::fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK) < 0) {
        return base::system_error("make non-blocking", "the listening socket");
    }
    for (const SocketOption& option : socket_options) {
        // A UNIX socket refuses what is TCP's, and does not need it.
        if (::setsockopt(socket.get(), option.level, option.name, &option.value, sizeof option.value) < 0 &&
            errno != EOPNOTSUPP) {
            return base::system_error(option.operation, "the listening socket");
        }
    }
    const auto accepted = [](evconnlistener*, evutil_socket_t client, sockaddr* address, int,
                             void* self) noexcept {
        static_cast<Server*>(self)->accept(base::UniqueFd(client), *address);
    };
    constexpr unsigned options = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC;
    constexpr int is_listening = 0;
    std::unique_ptr<evconnlistener, FreeListener> listener(
        evconnlistener_new(loop_.handle(), accepted, this, options, is_listening, socket.get()));
    if (!listener) { return base::system_error("accept from", "the listening socket"); }
    static_cast<void>(socket.release()); // the listener closes it
    evconnlistener_set_error_cb(listener.get(), [](evconnlistener*, void* self) noexcept {
        static_cast<Server*>(self)->pause_accepting();
    });
    listeners_.push_back(std::move(listener));
    return {};
}

void Server::accept(base::UniqueFd socket, const sockaddr& address) {
    ConnectionOwner& owner = *this;
    auto connection =
        std::make_unique<Connection>(loop_, std::move(socket), address_text(address), tls_, limits_, owner);
    Connection* const taken = connection.get();
    connections_.emplace(taken, std::move(connection));
    if (connections_.size() < limits_.connections) { return; }
    full_ = true;
    for (const auto& listener : listeners_) {
        evconnlistener_disable(listener.get());
    }
}

// accept(2) failed, for want of descriptors or memory: the socket stays readable, so look again only after a
// while. Clients wait in the backlog.
void Server::pause_accepting() {
    for (const auto& listener : listeners_) {
        evconnlistener_disable(listener.get());
    }
    accept_again_.start(std::chrono::milliseconds(100));
}

void Server::go_on_accepting() {
    if (stopping_ || full_) { return; }
    for (const auto& listener : listeners_) {
        evconnlistener_enable(listener.get());
    }
}

void Server::stop_accepting() {
    stopping_ = true;
    for (const auto& listener : listeners_) {
        evconnlistener_disable(listener.get());
    }
}

bool Server::admit(Exchange& exchange) {
    if (!admits_ || admits_(exchange)) { return true; }
    ++open_exchanges_;
    return false;
}

void Server::take(Exchange& exchange, const RequestParser::Fault* fault) {
    ++open_exchanges_;
    if (fault != nullptr) {
        ErrorReply error = invalid_request(fault->message);
        error.status = fault->status;
        if (fault->status == 405) {
            error.code = "method_not_allowed";
            exchange.add_header("Allow", "GET, HEAD, POST, OPTIONS");
        }
        return reply_error(exchange, error);
    }
    if (stopping_) {
        exchange.close_afterwards();
        return reply_error(exchange, unavailable("the server is stopping"));
    }
    handle_(exchange);
}

void Server::finish(const Exchange& exchange) {
    --open_exchanges_;
    if (finished_) { finished_(exchange); }
    if (open_exchanges_ == 0 && idle_) {
        const auto idle = idle_; // it may set another
        idle();
    }
}

void Server::forget(Connection& connection) {
    auto ended = connections_.extract(&connection);
    ended_.push_back(std::move(ended.mapped()));
    clear_ended_.start({});
    if (std::exchange(full_, false)) { go_on_accepting(); }
}

} // namespace vb::http
