#include "http/connection.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <fcntl.h>
#include <new>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <utility>

namespace vb::http {

namespace {

constexpr std::size_t most_lingered = std::size_t{16} << 20; // bytes read for nothing

bufferevent* new_stream(EventLoop& loop, base::UniqueFd socket, Tls* tls) {
    bufferevent* const stream =
        tls != nullptr ? tls->accept(loop.handle(), socket.get())
                       : bufferevent_socket_new(loop.handle(), socket.get(), BEV_OPT_CLOSE_ON_FREE);
    if (stream == nullptr) { throw std::bad_alloc(); }
    static_cast<void>(socket.release()); // the stream closes it
    return stream;
}

} // namespace

void Connection::FreeStream::operator()(bufferevent* stream) const noexcept { bufferevent_free(stream); }

Connection::Connection(EventLoop& loop, base::UniqueFd socket, std::string peer, Tls* tls,
                       const Limits& limits, ConnectionOwner& owner)
    : loop_(loop), limits_(limits), owner_(owner), tls_(tls), peer_(std::move(peer)),
      stream_(new_stream(loop, std::move(socket), tls)),
      state_(tls != nullptr ? State::handshake : State::reading), parser_(limits),
      deadline_(loop, [this] { deadline_passed(); }), turn_(loop, [this] { turn(); }) {
    bufferevent_setcb(stream_.get(), on_read, on_write, on_event, this);
    const timeval patience{.tv_sec = limits_.idle.count(), .tv_usec = 0};
    bufferevent_set_timeouts(stream_.get(), nullptr, &patience);
    if (bufferevent_enable(stream_.get(), EV_READ | EV_WRITE) != 0) { throw std::bad_alloc(); }
    deadline_.start(tls_ != nullptr ? limits_.handshake : limits_.idle);
}

Connection::~Connection() {
    if (stream_) { bufferevent_setcb(stream_.get(), nullptr, nullptr, nullptr, nullptr); }
    if (state_ != State::closed && exchange_) { exchange_->lose_client(); }
}

std::size_t Connection::unsent() const noexcept {
    return evbuffer_get_length(bufferevent_get_output(stream_.get()));
}

bool Connection::write(std::string_view bytes) {
    if (state_ == State::closed) { return false; }
    if (bufferevent_write(stream_.get(), bytes.data(), bytes.size()) != 0) { throw std::bad_alloc(); }
    return unsent() <= limits_.pending_output;
}

void Connection::end() {
    if (state_ != State::closed && unsent() == 0) { turn_.start({}); } // else on_write() comes
}

void Connection::drop() {
    owner_.finish(*exchange_);
    close();
}

void Connection::on_read(bufferevent*, void* connection) noexcept {
    auto& self = *static_cast<Connection*>(connection);
    evbuffer* const input = bufferevent_get_input(self.stream_.get());
    const std::size_t size = evbuffer_get_length(input);
    switch (self.state_) {
    case State::reading:
        return self.read_requests();
    case State::exchanging:
        // Read all the time, or the end of the client would hide behind what it sends ahead.
        if (size > self.limits_.body + self.limits_.headers) { self.lose(); }
        return;
    case State::lingering:
        self.lingered_ += size;
        evbuffer_drain(input, size);
        if (self.lingered_ > most_lingered) { self.close(); }
        return;
    case State::handshake:
    case State::closed:
        return;
    }
}

void Connection::on_write(bufferevent*, void* connection) noexcept {
    static_cast<Connection*>(connection)->turn();
}

void Connection::on_event(bufferevent*, short what, void* connection) noexcept {
    auto& self = *static_cast<Connection*>(connection);
    if ((what & BEV_EVENT_CONNECTED) != 0) {
        self.state_ = State::reading;
        self.deadline_.start(self.limits_.idle);
    } else if ((what & BEV_EVENT_EOF) != 0) {
        self.end_of_input();
    } else {
        self.lose();
    }
}

void Connection::turn() {
    if (state_ == State::exchanging && exchange_->has_ended() && unsent() == 0) { finish_exchange(); }
}

void Connection::read_requests() {
    evbuffer* const input = bufferevent_get_input(stream_.get());
    while (state_ == State::reading) {
        evbuffer_iovec piece{};
        if (evbuffer_peek(input, -1, nullptr, &piece, 1) < 1 || piece.iov_len == 0) { break; }
        if (!parser_.is_begun()) { request_begun_ = base::monotonic_now(); }
        const auto taken = parser_.feed({static_cast<const char*>(piece.iov_base), piece.iov_len});
        if (!taken) { return start_exchange(&taken.error()); }
        evbuffer_drain(input, *taken);
        if (parser_.is_complete()) { start_exchange(nullptr); }
    }
    if (state_ != State::reading) { return; }
    if (input_ended_) { return end_of_input(); }
    watch_progress();
}

void Connection::watch_progress() {
    if (parser_.has_head() && !std::exchange(timing_body_, true)) {
        if (head_is_refused()) { return; }
        body_begun_ = base::monotonic_now();
        deadline_.start(limits_.body_time);
    } else if (parser_.is_begun() && !parser_.has_head() && !std::exchange(timing_head_, true)) {
        deadline_.start(limits_.head_time);
    }
    if (parser_.is_expecting() && !std::exchange(continue_sent_, true)) {
        static_cast<void>(write(continue_reply));
    }
}

// What a client may not ask it need not send first, and it does not cost us the memory.
bool Connection::head_is_refused() {
    auto exchange = std::make_unique<Exchange>(parser_.head(), *this, peer_, request_begun_);
    exchange->close_afterwards();
    if (owner_.admit(*exchange)) { return false; }
    exchange_ = std::move(exchange);
    state_ = State::exchanging;
    deadline_.stop();
    return true;
}

base::Nanoseconds Connection::body_deadline() const {
    return body_begun_ + limits_.body_time + std::chrono::seconds(parser_.body_size() / limits_.body_rate);
}

void Connection::deadline_passed() {
    if (state_ != State::reading || !parser_.is_begun()) { return lose(); }
    if (const base::Nanoseconds left = body_deadline() - base::monotonic_now();
        parser_.has_head() && left > base::Nanoseconds{}) {
        return deadline_.start(left);
    }
    const RequestParser::Fault late{408, "the request did not come in time"};
    start_exchange(&late);
}

void Connection::start_exchange(const RequestParser::Fault* fault) {
    state_ = State::exchanging;
    deadline_.stop();
    timing_head_ = timing_body_ = continue_sent_ = false;
    exchange_ = std::make_unique<Exchange>(parser_.take(), *this, peer_, request_begun_);
    if (fault != nullptr) { exchange_->close_afterwards(); }
    owner_.take(*exchange_, fault);
    if (state_ == State::exchanging && input_ended_ && exchange_->waits()) { watch_for_loss(); }
}

void Connection::finish_exchange() {
    loss_watch_.reset();
    const bool goes_on = exchange_->keeps_connection();
    owner_.finish(*exchange_);
    exchange_.reset();
    if (!goes_on) { return linger(); }
    state_ = State::reading;
    deadline_.start(limits_.idle);
    read_requests();
}

void Connection::end_of_input() {
    input_ended_ = true;
    switch (state_) {
    case State::reading: {
        if (!parser_.is_begun()) { return close(); }
        const RequestParser::Fault torn{400, "the request ended before it was complete"};
        return start_exchange(&torn);
    }
    case State::exchanging:
        // TLS is not half closed by those who mean to go on.
        if (tls_ != nullptr) { return lose(); }
        if (exchange_->waits()) { watch_for_loss(); }
        return;
    case State::handshake:
    case State::lingering:
        return close();
    case State::closed:
        return;
    }
}

// A client that has only ended its sending side and one that has closed look alike until something is sent: the second
// answers that with a reset. So does the network of a client that is gone.
void Connection::watch_for_loss() {
    base::UniqueFd again(::fcntl(bufferevent_getfd(stream_.get()), F_DUPFD_CLOEXEC, 0));
    if (!again) { return lose(); }
    const int fd = again.get();
    loss_watch_.emplace(std::move(again), EdgeWatch(loop_, fd, [this] { look_for_loss(); }));
    if (const std::string_view probe = exchange_->probe(); !probe.empty()) {
        static_cast<void>(write(probe));
    }
}

void Connection::look_for_loss() {
    if (state_ != State::exchanging) { return; }
    pollfd socket{.fd = loss_watch_->socket.get(), .events = 0, .revents = 0};
    // The stream may be about to tell of the same reset: whoever comes first.
    if (::poll(&socket, 1, 0) > 0 && (socket.revents & (POLLERR | POLLHUP)) != 0) { lose(); }
}

// Closing while bytes of the client's are unread would send it a reset, which destroys the reply on its way.
void Connection::linger() {
    if (input_ended_) { return close(); }
    state_ = State::lingering;
    deadline_.start(limits_.linger);
    if (tls_ != nullptr) { tls_->end(stream_.get()); }
    ::shutdown(bufferevent_getfd(stream_.get()), SHUT_WR);
    on_read(stream_.get(), this);
}

void Connection::lose() {
    if (state_ == State::closed) { return; }
    const std::unique_ptr<Exchange> lost = std::move(exchange_);
    close();
    if (!lost) { return; }
    lost->lose_client();
    owner_.finish(*lost);
}

void Connection::close() {
    state_ = State::closed;
    bufferevent_setcb(stream_.get(), nullptr, nullptr, nullptr, nullptr);
    deadline_.stop();
    turn_.stop();
    stream_.reset();
    owner_.forget(*this);
}

} // namespace vb::http
