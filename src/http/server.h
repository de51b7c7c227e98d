// The HTTP server: one event loop thread, any number of clients. What it answers is its handler's to say.
// It serves sockets that somebody else bound, trusts no size that a client states, and never waits for
// anything but its event loop.
#pragma once

#include "base/error.h"
#include "base/unique_fd.h"
#include "http/connection.h"
#include "http/event_loop.h"
#include "http/exchange.h"
#include "http/limits.h"
#include "http/tls.h"

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

struct evconnlistener;
struct sockaddr;

namespace vb::http {

class Server final : private ConnectionOwner {
  public:
    using Handler = std::function<void(Exchange&)>;

    // `loop`, `tls` and what `handle` refers to outlive the server; without `tls` it speaks plain HTTP. The handler
    // replies, or lets the exchange wait. The process ignores SIGPIPE.
    Server(EventLoop& loop, Handler handle, const Limits& limits = {}, Tls* tls = nullptr);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // Accepts clients from a bound, listening socket.
    base::Result<> accept_from(base::UniqueFd socket);
    // Leaves new clients in the sockets' backlog; connections that exist end with the reply they wait for.
    void stop_accepting();

    // Requests whose reply is not wholly with the kernel.
    std::size_t open_exchanges() const noexcept { return open_exchanges_; }
    std::size_t connections() const noexcept { return connections_.size(); }
    // Asked before the body of a request is read; false: the exchange has its reply. The handler is not told of the
    // answer, and gets the request once more, as a whole.
    void on_head(std::function<bool(Exchange&)> admits) { admits_ = std::move(admits); }
    // Called each time the number of open exchanges falls to zero.
    void on_idle(std::function<void()> idle) { idle_ = std::move(idle); }
    // Called at the end of every exchange: those too that the handler never saw, since the request was malformed or
    // refused by its head.
    void on_finished(std::function<void(const Exchange&)> finished) { finished_ = std::move(finished); }

  private:
    bool admit(Exchange& exchange) override;
    void take(Exchange& exchange, const RequestParser::Fault* fault) override;
    void finish(const Exchange& exchange) override;
    void forget(Connection& connection) override;

    void accept(base::UniqueFd socket, const sockaddr& address);
    void pause_accepting();
    void go_on_accepting();

    struct FreeListener {
        void operator()(evconnlistener* listener) const noexcept;
    };

    EventLoop& loop_;
    const Handler handle_;
    const Limits limits_;
    Tls* const tls_;
    std::size_t open_exchanges_ = 0;
    std::function<bool(Exchange&)> admits_;
    std::function<void()> idle_;
    std::function<void(const Exchange&)> finished_;
    bool stopping_ = false;
    bool full_ = false; // of connections
    std::vector<std::unique_ptr<evconnlistener, FreeListener>> listeners_;
    std::unordered_map<Connection*, std::unique_ptr<Connection>> connections_;
    std::vector<std::unique_ptr<Connection>> ended_; // until no call of theirs is left on the stack
    Timer accept_again_;
    Timer clear_ended_;
};

} // namespace vb::http
