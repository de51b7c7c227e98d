#include "http/server.h"

#include "http/error_reply.h"

#include <cerrno>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <new>
#include <sys/socket.h>
#include <sys/time.h>
#include <utility>

namespace vb::http {

namespace {

// accept(2) failed, for want of descriptors or memory: the socket stays readable, so look again only after a
// while. Clients wait in the backlog.
extern "C" void pause_accepting(evconnlistener* listener, void*) noexcept {
    constexpr timeval pause{.tv_sec = 0, .tv_usec = 100'000};
    const auto resume = [](evutil_socket_t, short, void* paused) {
        evconnlistener_enable(static_cast<evconnlistener*>(paused));
    };
    evconnlistener_disable(listener);
    if (event_base_once(evconnlistener_get_base(listener), -1, EV_TIMEOUT, resume, listener, &pause) != 0) {
        evconnlistener_enable(listener);
    }
}

// evhttp moves a body out of the input buffer when it is complete: the buffer must hold one, and no more.
extern "C" bufferevent* new_stream(event_base* base, void* limits) noexcept {
    bufferevent* const stream = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    if (stream != nullptr) {
        const auto& most = *static_cast<const Limits*>(limits);
        bufferevent_setwatermark(stream, EV_READ, 0, most.body + most.headers);
    }
    return stream;
}

} // namespace

void Server::FreeServer::operator()(evhttp* server) const noexcept { evhttp_free(server); }

Server::Server(EventLoop& loop, Handler handle, const Limits& limits)
    : handle_(std::move(handle)), limits_(limits), server_(evhttp_new(loop.handle())) {
    if (!server_) { throw std::bad_alloc(); }
    evhttp* const server = server_.get();
    evhttp_set_max_body_size(server, static_cast<ev_ssize_t>(limits_.body));
    evhttp_set_max_headers_size(server, static_cast<ev_ssize_t>(limits_.headers));
    const timeval patience{.tv_sec = limits_.idle.count(), .tv_usec = 0};
    evhttp_set_timeout_tv(server, &patience);
    // Reads what a client still sends of a body that is too large: closing on it would destroy the answer.
    evhttp_set_flags(server, EVHTTP_SERVER_LINGERING_CLOSE);
    evhttp_set_allowed_methods(server, 0xFFFF); // all, known or not: each path answers for itself
    evhttp_set_bevcb(server, new_stream, const_cast<Limits*>(&limits_));
    evhttp_set_gencb(
        server,
        [](evhttp_request* request, void* self) noexcept { static_cast<Server*>(self)->take(request); },
        this);
}

Server::~Server() {
    idle_ = nullptr;
    finished_ = nullptr;
}

base::Result<> Server::accept_from(base::UniqueFd socket) {
    const int flags = ::fcntl(socket.get(), F_GETFL);
    if (flags < 0 || ::fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK) < 0) {
        return base::system_error("make non-blocking", "the listening socket");
    }
    // Accepted sockets inherit it. Each token is a small packet that must not wait for the client's
    // acknowledgement of the last. A UNIX socket refuses the option and does not need it.
    const int on = 1;
    if (::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0 && errno != EOPNOTSUPP) {
        return base::system_error("set TCP_NODELAY on", "the listening socket");
    }
    evhttp_bound_socket* const bound = evhttp_accept_socket_with_handle(server_.get(), socket.get());
    if (bound == nullptr) { return base::system_error("accept from", "the listening socket"); }
    static_cast<void>(socket.release()); // libevent closes it
    evconnlistener_set_error_cb(evhttp_bound_socket_get_listener(bound), pause_accepting);
    sockets_.push_back(bound);
    return {};
}

void Server::stop_accepting() {
    stopping_ = true;
    for (evhttp_bound_socket* const bound : sockets_) {
        evconnlistener* const listener = evhttp_bound_socket_get_listener(bound);
        evconnlistener_disable(listener);
        evconnlistener_set_cb(listener, nullptr, nullptr); // enabling it has no effect any more
    }
}

void Server::take(evhttp_request* request) {
    auto exchange =
        std::make_unique<Exchange>(request, limits_, [this](Exchange& released) { release(released); });
    Exchange& taken = *exchange;
    exchanges_.emplace(&taken, std::move(exchange));
    if (stopping_) {
        taken.close_afterwards();
        return reply_error(taken, unavailable("the server is stopping"));
    }
    handle_(taken);
}

void Server::release(Exchange& exchange) {
    if (finished_) { finished_(exchange); }
    exchanges_.erase(&exchange);
    if (exchanges_.empty() && idle_) {
        const auto idle = idle_; // it may set another
        idle();
    }
}

} // namespace vb::http
