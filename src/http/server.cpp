#include "http/server.h"

#include "trace/export.h"

#include <cerrno>
#include <ctime>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <format>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <new>
#include <sys/socket.h>
#include <sys/time.h>

namespace vb::http {

namespace {

constexpr char json_type[] = "application/json";
constexpr char text_type[] = "text/plain; charset=utf-8";
constexpr std::string_view overview = R"(vector_boot: a language model behind OpenAI's API

POST /v1/chat/completions  chat, streamed or whole
GET  /v1/models            the model that is served
GET  /health               200 when the model answers, 503 while it loads
GET  /live                 200 as long as the process answers
GET  /timeline             the boot, as Chrome trace JSON; ?format=table or ?format=svg
)";

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

ErrorReply not_found(std::string message) {
    return {.status = 404,
            .message = std::move(message),
            .type = "invalid_request_error",
            .param = {},
            .code = "not_found"};
}

// True if the method is one that the path knows; if not, it has been answered.
bool allow(Exchange& exchange, Method method, const char* methods) {
    const Method asked = exchange.method();
    if (asked == method || (method == Method::get && asked == Method::head)) { return true; }
    exchange.add_header("Allow", methods);
    if (asked == Method::options) {
        exchange.reply(204, text_type, "");
        return false;
    }
    // A method that is not known may have a body that was not read.
    if (asked == Method::other) { exchange.close_afterwards(); }
    ErrorReply error = invalid_request(std::format("this path allows only: {}", methods));
    error.status = 405;
    error.code = "method_not_allowed";
    reply_error(exchange, error);
    return false;
}
bool allow_get(Exchange& exchange) { return allow(exchange, Method::get, "GET, HEAD, OPTIONS"); }

} // namespace

void Server::FreeServer::operator()(evhttp* server) const noexcept { evhttp_free(server); }

Server::Server(EventLoop& loop, Mailbox& mailbox, Backend& backend, trace::Timeline& timeline,
               const base::Log& log, const Limits& limits)
    : backend_(backend), timeline_(timeline), log_(log), limits_(limits), started_(std::time(nullptr)),
      completions_(backend, mailbox, timeline, limits.completions), server_(evhttp_new(loop.handle())) {
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

Server::~Server() { idle_ = nullptr; }

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

void Server::refuse_waiting(const ErrorReply& error) { completions_.refuse_all(error); }

void Server::take(evhttp_request* request) {
    auto exchange =
        std::make_unique<Exchange>(request, limits_, [this](Exchange& released) { release(released); });
    Exchange& taken = *exchange;
    exchanges_.emplace(&taken, std::move(exchange));
    route(taken);
}

void Server::release(Exchange& exchange) {
    exchanges_.erase(&exchange);
    if (exchanges_.empty() && idle_) {
        const auto idle = idle_; // it may set another
        idle();
    }
}

void Server::route(Exchange& exchange) {
    const std::string path = exchange.path();
    if (stopping_) {
        exchange.close_afterwards();
        return reply_error(exchange, unavailable("the server is stopping"));
    }
    if (!serve_path(exchange, path)) {
        if (exchange.method() == Method::other) { exchange.close_afterwards(); }
        reply_error(exchange, not_found(std::format("there is nothing at {}", path)));
    }
}

bool Server::serve_path(Exchange& exchange, std::string_view path) {
    constexpr std::string_view models = "/v1/models";
    if (path == "/v1/chat/completions") {
        if (allow(exchange, Method::post, "POST, OPTIONS")) { completions_.start(exchange); }
    } else if (path == models) {
        if (allow_get(exchange)) {
            exchange.reply(200, json_type, model_list_json(backend_.model_name(), started_));
        }
    } else if (path.starts_with(models) && path.substr(models.size()).starts_with('/')) {
        if (allow_get(exchange)) { serve_model(exchange, path.substr(models.size() + 1)); }
    } else if (path == "/health") {
        if (allow_get(exchange)) { serve_health(exchange); }
    } else if (path == "/live") {
        if (allow_get(exchange)) { exchange.reply(200, json_type, status_json("ok")); }
    } else if (path == "/timeline") {
        if (allow_get(exchange)) { serve_timeline(exchange); }
    } else if (path == "/" || path.empty()) {
        if (allow_get(exchange)) { exchange.reply(200, text_type, overview); }
    } else {
        return false;
    }
    return true;
}

void Server::serve_health(Exchange& exchange) {
    switch (backend_.state()) {
    case engine::State::ready:
        return exchange.reply(200, json_type, status_json("ok"));
    case engine::State::failed:
        return exchange.reply(503, json_type, status_json("failed"));
    case engine::State::loading:
        break;
    }
    exchange.add_header("Retry-After", "1");
    exchange.reply(503, json_type, status_json("loading"));
}

void Server::serve_model(Exchange& exchange, std::string_view id) {
    if (id != backend_.model_name()) {
        ErrorReply error = not_found(std::format("there is no model '{}'", id));
        error.param = "model";
        error.code = "model_not_found";
        return reply_error(exchange, error);
    }
    exchange.reply(200, json_type, model_json(id, started_));
}

void Server::serve_timeline(Exchange& exchange) {
    if (timeline_.layout() == nullptr) {
        return reply_error(exchange, not_found("this process records no timeline"));
    }
    const std::string format = exchange.query("format").value_or("json");
    if (format == "json") {
        exchange.reply(200, json_type, trace::export_chrome(timeline_));
    } else if (format == "table") {
        exchange.reply(200, text_type, trace::export_table(timeline_));
    } else if (format == "svg") {
        exchange.reply(200, "image/svg+xml", trace::export_svg(timeline_));
    } else {
        reply_error(exchange, invalid_request("'format' must be json, table or svg", "format"));
    }
}

} // namespace vb::http
