#include "http/exchange.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <memory>
#include <new>
#include <sys/time.h>
#include <utility>

namespace vb::http {

namespace {

using Buffer = std::unique_ptr<evbuffer, decltype(&evbuffer_free)>;

Buffer buffer_of(std::string_view text) {
    Buffer buffer(evbuffer_new(), evbuffer_free);
    if (!buffer || evbuffer_add(buffer.get(), text.data(), text.size()) != 0) { throw std::bad_alloc(); }
    return buffer;
}

std::string decoded(const char* text) {
    std::size_t size = 0;
    const std::unique_ptr<char, decltype(&std::free)> plain(evhttp_uridecode(text, /*decode_plus=*/0, &size),
                                                            std::free);
    if (!plain) { throw std::bad_alloc(); }
    return {plain.get(), size};
}

} // namespace

Exchange::Exchange(evhttp_request* request, const Limits& limits, std::function<void(Exchange&)> released)
    : request_(request), limits_(limits), released_(std::move(released)) {
    if (const char* const path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request_));
        path != nullptr) {
        path_ = decoded(path);
    }
    evhttp_request_set_on_complete_cb(request_, on_complete, this);
    evhttp_connection_set_closecb(evhttp_request_get_connection(request_), on_close, this);
}

Method Exchange::method() const noexcept {
    switch (evhttp_request_get_command(request_)) {
    case EVHTTP_REQ_GET:
        return Method::get;
    case EVHTTP_REQ_HEAD:
        return Method::head;
    case EVHTTP_REQ_POST:
        return Method::post;
    case EVHTTP_REQ_OPTIONS:
        return Method::options;
    default:
        return Method::other;
    }
}

std::optional<std::string> Exchange::query(const char* name) const {
    const char* const query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(request_));
    if (query == nullptr) { return std::nullopt; }
    evkeyvalq words{};
    if (evhttp_parse_query_str(query, &words) != 0) { return std::nullopt; }
    const char* const value = evhttp_find_header(&words, name);
    const std::optional<std::string> found =
        value == nullptr ? std::nullopt : std::optional<std::string>(value);
    evhttp_clear_headers(&words);
    return found;
}

std::optional<std::string> Exchange::header(std::string_view name) const {
    const char* const value =
        evhttp_find_header(evhttp_request_get_input_headers(request_), std::string(name).c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

std::string Exchange::body() const {
    evbuffer* const input = evhttp_request_get_input_buffer(request_);
    std::string body(evbuffer_get_length(input), '\0');
    evbuffer_copyout(input, body.data(), body.size());
    return body;
}

void Exchange::wait(std::function<void()> gone) {
    gone_ = std::move(gone);
    // libevent has stopped reading until the reply begins, and so would not learn that the client is gone. It
    // must not parse what comes meanwhile either: data in this state makes evhttp's read callback end the
    // process.
    bufferevent* const stream = evhttp_connection_get_bufferevent(evhttp_request_get_connection(request_));
    bufferevent_data_cb written = nullptr;
    bufferevent_event_cb event = nullptr;
    void* argument = nullptr;
    bufferevent_getcb(stream, nullptr, &written, &event, &argument);
    bufferevent_setcb(stream, nullptr, written, event, argument);
    // A client that waits for its reply is not idle; one that does not take it is.
    const timeval patience{.tv_sec = limits_.idle.count(), .tv_usec = 0};
    bufferevent_set_timeouts(stream, nullptr, &patience);
    bufferevent_enable(stream, EV_READ);
}

void Exchange::add_header(const char* name, const std::string& value) {
    evhttp_add_header(evhttp_request_get_output_headers(request_), name, value.c_str());
}

void Exchange::close_afterwards() {
    evkeyvalq* const headers = evhttp_request_get_output_headers(request_);
    evhttp_remove_header(headers, "Connection");
    evhttp_add_header(headers, "Connection", "close");
}

void Exchange::reply(int status, const char* content_type, std::string_view body) {
    ended_ = true;
    status_ = status;
    if (!body.empty()) { add_header("Content-Type", content_type); }
    // For HEAD libevent states no length, but would send the body.
    const bool only_head = method() == Method::head;
    if (only_head) { add_header("Content-Length", std::to_string(body.size())); }
    evhttp_send_reply(request_, status, nullptr, buffer_of(only_head ? std::string_view() : body).get());
}

void Exchange::start_stream(const char* content_type) {
    status_ = HTTP_OK;
    add_header("Content-Type", content_type);
    // Before 1.1 there are no chunks: only the connection's end says where the reply ends.
    // libevent would state a length of 0 to a client that asked to keep it.
    if (request_->major == 1 && request_->minor == 0) {
        evhttp_remove_header(evhttp_request_get_input_headers(request_), "Connection");
    }
    evhttp_send_reply_start(request_, HTTP_OK, nullptr);
}

bool Exchange::send(std::string_view piece) {
    evhttp_send_reply_chunk(request_, buffer_of(piece).get());
    bufferevent* const stream = evhttp_connection_get_bufferevent(evhttp_request_get_connection(request_));
    return evbuffer_get_length(bufferevent_get_output(stream)) <= limits_.pending_output;
}

void Exchange::end_stream() {
    ended_ = true;
    evhttp_send_reply_end(request_); // may call on_complete, which ends this object
}

void Exchange::drop() {
    gone_ = nullptr;
    evhttp_connection_free(evhttp_request_get_connection(request_)); // calls on_close, which ends this object
}

void Exchange::on_complete(evhttp_request* request, void* exchange) noexcept {
    evhttp_connection* const connection = evhttp_request_get_connection(request);
    auto& self = *static_cast<Exchange*>(exchange);
    evhttp_connection_set_closecb(connection, nullptr, nullptr);
    const timeval patience{.tv_sec = self.limits_.idle.count(), .tv_usec = 0};
    evhttp_connection_set_timeout_tv(connection, &patience);
    self.release();
}

void Exchange::on_close(evhttp_connection*, void* exchange) noexcept {
    auto& self = *static_cast<Exchange*>(exchange);
    // A request whose reply was not ended is taken from its connection when the client goes away, and is ours
    // then.
    if (!self.ended_ && evhttp_request_get_connection(self.request_) == nullptr) {
        evhttp_request_free(self.request_);
    }
    if (self.gone_ && !self.ended_) { std::exchange(self.gone_, nullptr)(); }
    self.release();
}

void Exchange::release() {
    const std::function<void(Exchange&)> released = std::move(released_);
    released(*this);
}

} // namespace vb::http
