// One client's connection: reads its requests one after another, writes the replies, and keeps the deadlines. It never
// waits, never reads far ahead of the request that is being answered, and closes in a way that leaves the client its
// last reply.
#pragma once

#include "base/unique_fd.h"
#include "http/event_loop.h"
#include "http/exchange.h"
#include "http/limits.h"
#include "http/request_parser.h"
#include "http/tls.h"

#include <memory>
#include <optional>
#include <string>

struct bufferevent;

namespace vb::http {

class Connection;

class ConnectionOwner {
  public:
    // A request whose head is there and whose body is not. False: the exchange has its reply, and the body is not read.
    virtual bool admit(Exchange& exchange) = 0;
    // A whole request, or what can be told of a faulty one: replies, or lets the exchange wait.
    virtual void take(Exchange& exchange, const RequestParser::Fault* fault) = 0;
    // The last byte of the reply is with the kernel, or nobody is there to read it.
    virtual void finish(const Exchange& exchange) = 0;
    // The connection has ended: destroys it, but not before this call and those around it have returned.
    virtual void forget(Connection& connection) = 0;

  protected:
    ~ConnectionOwner() = default;
};

class Connection final : public ReplyChannel {
  public:
    // Takes the socket. `tls` is null for plain HTTP. The arguments outlive it.
    Connection(EventLoop& loop, base::UniqueFd socket, std::string peer, Tls* tls, const Limits& limits,
               ConnectionOwner& owner);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

  private:
    enum class State : std::uint8_t { handshake, reading, exchanging, lingering, closed };

    bool write(std::string_view bytes) override;
    void end() override;
    void drop() override;

    static void on_read(bufferevent* stream, void* connection) noexcept;
    static void on_write(bufferevent* stream, void* connection) noexcept;
    static void on_event(bufferevent* stream, short what, void* connection) noexcept;

    void read_requests();
    void watch_progress();
    bool head_is_refused();
    void start_exchange(const RequestParser::Fault* fault);
    void finish_exchange();
    void end_of_input();
    void watch_for_loss();
    void look_for_loss();
    void deadline_passed();
    base::Nanoseconds body_deadline() const;
    void linger();
    void turn();
    // Nobody is there any more.
    void lose();
    void close();
    std::size_t unsent() const noexcept;

    struct FreeStream {
        void operator()(bufferevent* stream) const noexcept;
    };
    // The socket once more, to hear of its end while its stream is not read.
    struct LossWatch {
        base::UniqueFd socket;
        EdgeWatch watch;
    };

    EventLoop& loop_;
    const Limits& limits_;
    ConnectionOwner& owner_;
    Tls* const tls_;
    const std::string peer_;
    std::unique_ptr<bufferevent, FreeStream> stream_;
    State state_;
    bool input_ended_ = false;
    bool continue_sent_ = false;
    bool timing_head_ = false, timing_body_ = false;
    std::size_t lingered_ = 0;
    base::Nanoseconds request_begun_{};
    base::Nanoseconds body_begun_{};
    RequestParser parser_;
    std::unique_ptr<Exchange> exchange_;
    std::optional<LossWatch> loss_watch_;
    Timer deadline_;
    Timer turn_; // what must not happen within a call of the exchange's
};

} // namespace vb::http
