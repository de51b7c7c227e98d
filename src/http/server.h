// The OpenAI-compatible HTTP server: one event loop thread, any number of clients.
// It serves sockets that somebody else bound, trusts no size that a client states, and never waits for
// anything but its event loop. It knows the engine only as a Backend, and never decides when the process
// ends.
#pragma once

#include "base/error.h"
#include "base/log.h"
#include "base/unique_fd.h"
#include "http/backend.h"
#include "http/chat_completions.h"
#include "http/event_loop.h"
#include "http/exchange.h"
#include "http/limits.h"
#include "http/mailbox.h"
#include "trace/timeline.h"

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

struct evhttp;
struct evhttp_bound_socket;
struct evhttp_request;

namespace vb::http {

class Server {
  public:
    // The arguments outlive the server.
    Server(EventLoop& loop, Mailbox& mailbox, Backend& backend, trace::Timeline& timeline,
           const base::Log& log, const Limits& limits = {});
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // Accepts clients from a bound, listening socket.
    base::Result<> accept_from(base::UniqueFd socket);
    // Leaves new clients in the sockets' backlog; connections that exist end with the reply they wait for.
    void stop_accepting();
    // Answers every chat completion that is waiting or running with this error.
    void refuse_waiting(const ErrorReply& error);

    // Requests whose reply is not wholly with the kernel.
    std::size_t open_exchanges() const noexcept { return exchanges_.size(); }
    // Called each time that number falls to zero.
    void on_idle(std::function<void()> idle) { idle_ = std::move(idle); }

  private:
    void take(evhttp_request* request);
    void route(Exchange& exchange);
    bool serve_path(Exchange& exchange, std::string_view path);
    void release(Exchange& exchange);

    void serve_health(Exchange& exchange);
    void serve_model(Exchange& exchange, std::string_view id);
    void serve_timeline(Exchange& exchange);

    struct FreeServer {
        void operator()(evhttp* server) const noexcept;
    };

    Backend& backend_;
    trace::Timeline& timeline_;
    const base::Log& log_;
    const Limits limits_;
    const std::int64_t started_; // Unix time
    ChatCompletions completions_;
    std::vector<evhttp_bound_socket*> sockets_;
    std::unordered_map<Exchange*, std::unique_ptr<Exchange>> exchanges_;
    std::function<void()> idle_;
    bool stopping_ = false;
    std::unique_ptr<evhttp, FreeServer> server_; // last: its end closes the connections of the exchanges
};

} // namespace vb::http
