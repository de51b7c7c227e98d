// The HTTP server: one event loop thread, any number of clients. What it answers is its handler's to say.
// It serves sockets that somebody else bound, trusts no size that a client states, and never waits for
// anything but its event loop.
#pragma once

#include "base/error.h"
#include "base/unique_fd.h"
#include "http/event_loop.h"
#include "http/exchange.h"
#include "http/limits.h"

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

struct evhttp;
struct evhttp_bound_socket;
struct evhttp_request;

namespace vb::http {

class Server {
  public:
    using Handler = std::function<void(Exchange&)>;

    // `loop` and what `handle` refers to outlive the server. The handler replies, or lets the exchange wait.
    Server(EventLoop& loop, Handler handle, const Limits& limits = {});
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // Accepts clients from a bound, listening socket.
    base::Result<> accept_from(base::UniqueFd socket);
    // Leaves new clients in the sockets' backlog; connections that exist end with the reply they wait for.
    void stop_accepting();

    // Requests whose reply is not wholly with the kernel.
    std::size_t open_exchanges() const noexcept { return exchanges_.size(); }
    // Called each time that number falls to zero.
    void on_idle(std::function<void()> idle) { idle_ = std::move(idle); }
    // Called at the end of every exchange.
    void on_finished(std::function<void(const Exchange&)> finished) { finished_ = std::move(finished); }

  private:
    void take(evhttp_request* request);
    void release(Exchange& exchange);

    struct FreeServer {
        void operator()(evhttp* server) const noexcept;
    };

    const Handler handle_;
    const Limits limits_;
    std::vector<evhttp_bound_socket*> sockets_;
    std::unordered_map<Exchange*, std::unique_ptr<Exchange>> exchanges_;
    std::function<void()> idle_;
    std::function<void(const Exchange&)> finished_;
    bool stopping_ = false;
    std::unique_ptr<evhttp, FreeServer> server_; // last: its end closes the connections of the exchanges
};

} // namespace vb::http
