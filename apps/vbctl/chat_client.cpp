#include "vbctl/chat_client.h"

#include "vbctl/chat_stream.h"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <sys/time.h>

namespace vb::vbctl {

namespace {

constexpr std::size_t most_error_bytes = 65536;
// libevent would give up after 50 seconds; a long prompt takes longer, and Ctrl-C ends a wait.
constexpr int longest_wait_seconds = 24 * 60 * 60;
constexpr int unauthorized = 401; // libevent has no name for it
constexpr long default_retry_seconds = 1;
constexpr long most_retry_seconds = 30;

struct FreeUri {
    void operator()(evhttp_uri* uri) const noexcept { evhttp_uri_free(uri); }
};
struct FreeConnection { // and the request on it
    void operator()(evhttp_connection* connection) const noexcept { evhttp_connection_free(connection); }
};

std::unexpected<ChatFailure> no_memory() {
    return std::unexpected(ChatFailure{.status = failed, .text = "no memory for a request"});
}

// One request and what has come of it.
struct Exchange {
    event_base* base;
    const std::function<void(std::string_view)>& piece;
    ChatStream stream{};
    std::string error_body{};
    int status = 0; // 0: no reply came
    long retry_seconds = default_retry_seconds;

    void take(evhttp_request* request) {
        status = evhttp_request_get_response_code(request);
        evbuffer* const input = evhttp_request_get_input_buffer(request);
        const std::size_t size = evbuffer_get_length(input);
        if (size == 0) { return; }
        const auto* const bytes = reinterpret_cast<const char*>(evbuffer_pullup(input, -1));
        if (status == HTTP_OK) {
            stream.take({bytes, size}, piece);
        } else if (error_body.size() + size <= most_error_bytes) {
            error_body.append(bytes, size);
        }
        evbuffer_drain(input, size);
    }

    void finish(evhttp_request* request) {
        if (request != nullptr && evhttp_request_get_response_code(request) != 0) {
            take(request);
            const char* const after =
                evhttp_find_header(evhttp_request_get_input_headers(request), "Retry-After");
            if (after != nullptr) {
                std::from_chars(after, after + std::strlen(after), retry_seconds); // else as it was: a date
            }
        }
        event_base_loopbreak(base);
    }
};

ChatResult<Waited> outcome_of(const Exchange& exchange, const ChatAddress& address) {
    const std::string where = address.host + ":" + std::to_string(address.port);
    const auto fail = [](ExitStatus status, std::string text) {
        return std::unexpected(ChatFailure{.status = status, .text = std::move(text)});
    };
    if (exchange.status == 0) {
        return fail(unreachable,
                    "nobody answers on " + where +
                        ": does vector_boot run there (vbctl status)? --url names another place");
    }
    if (exchange.status != HTTP_OK) {
        std::string text = error_message(exchange.error_body)
                               .value_or("it does not answer as OpenAI's API does: is --url right?");
        text = where + " answered " + std::to_string(exchange.status) + ": " + text;
        if (exchange.status == unauthorized) { return fail(not_permitted, text + " (--key-file FILE)"); }
        return fail(refused, text);
    }
    if (exchange.stream.error()) { return fail(refused, where + ": " + *exchange.stream.error()); }
    if (!exchange.stream.is_complete()) {
        return fail(failed, "the answer was cut off: the runtime ended (vbctl logs says why); ask again");
    }
    return Waited::done;
}

} // namespace

int fail(const ChatFailure& failure) {
    std::fprintf(stderr, "vbctl: %s\n", failure.text.c_str());
    return failure.status;
}

void ChatClient::FreeBase::operator()(event_base* base) const noexcept { event_base_free(base); }
void ChatClient::FreeEvent::operator()(event* watched) const noexcept { event_free(watched); }

ChatResult<ChatAddress> parse_chat_address(const std::string& url) {
    const auto fail = [&](const char* expected) {
        return std::unexpected(ChatFailure{.status = failed, .text = url + ": " + expected});
    };
    const std::unique_ptr<evhttp_uri, FreeUri> uri(evhttp_uri_parse(url.c_str()));
    const char* const scheme = uri ? evhttp_uri_get_scheme(uri.get()) : nullptr;
    const char* const host = uri ? evhttp_uri_get_host(uri.get()) : nullptr;
    if (scheme == nullptr || std::string_view(scheme) != "http" || host == nullptr || *host == '\0') {
        return fail("expected http://HOST:PORT (for https use another client, as curl)");
    }
    ChatAddress address{.host = host, .port = 80, .path = evhttp_uri_get_path(uri.get())};
    if (address.host.starts_with('[')) { address.host = address.host.substr(1, address.host.size() - 2); }
    if (const int port = evhttp_uri_get_port(uri.get()); port >= 0) {
        address.port = static_cast<std::uint16_t>(port);
    }
    while (address.path.ends_with('/')) {
        address.path.pop_back();
    }
    // The base URL of OpenAI's clients is the same place.
    if (address.path.ends_with("/v1")) { address.path.resize(address.path.size() - 3); }
    return address;
}

ChatResult<ChatClient> ChatClient::create(ChatAddress address, std::string key) {
    ChatClient client(std::move(address), std::move(key));
    client.base_.reset(event_base_new());
    if (!client.base_) { return no_memory(); }
    bool* const interrupted = client.interrupted_.get();
    client.interrupt_.reset(evsignal_new(
        client.base_.get(), SIGINT,
        [](evutil_socket_t, short, void* flag) { *static_cast<bool*>(flag) = true; }, interrupted));
    if (!client.interrupt_ || event_add(client.interrupt_.get(), nullptr) != 0) { return no_memory(); }
    return client;
}

ChatResult<Waited> ChatClient::run() {
    *interrupted_ = false;
    // One turn at a time: the signal's callback knows only its flag.
    while (!*interrupted_) {
        if (event_base_loop(base_.get(), EVLOOP_ONCE) != 0 || event_base_got_break(base_.get()) != 0) {
            return *interrupted_ ? Waited::interrupted : Waited::done;
        }
    }
    return Waited::interrupted;
}

ChatResult<Waited> ChatClient::wait_for(int terminal) { return wait_until(terminal, EV_READ, nullptr); }

ChatResult<Waited> ChatClient::wait_until(int fd, short what, const timeval* time) {
    const std::unique_ptr<event, FreeEvent> watched(event_new(
        base_.get(), fd, what,
        [](evutil_socket_t, short, void* base) { event_base_loopbreak(static_cast<event_base*>(base)); },
        base_.get()));
    if (!watched || event_add(watched.get(), time) != 0) { return no_memory(); }
    return run();
}

ChatResult<Waited> ChatClient::ask(std::span<const ChatMessage> conversation, const Listener& listener) {
    const std::string body = chat_body(conversation);
    for (bool told = false;; told = true) {
        const std::unique_ptr<evhttp_connection, FreeConnection> connection(
            evhttp_connection_base_new(base_.get(), nullptr, address_.host.c_str(), address_.port));
        if (!connection) { return no_memory(); }
        evhttp_connection_set_timeout(connection.get(), longest_wait_seconds);
        Exchange exchange{.base = base_.get(), .piece = listener.piece};
        evhttp_request* const request = evhttp_request_new(
            [](evhttp_request* done, void* self) { static_cast<Exchange*>(self)->finish(done); }, &exchange);
        if (request == nullptr) { return no_memory(); }
        evhttp_request_set_chunked_cb(
            request, [](evhttp_request* part, void* self) { static_cast<Exchange*>(self)->take(part); });
        evkeyvalq* const headers = evhttp_request_get_output_headers(request);
        evhttp_add_header(headers, "Host", (address_.host + ":" + std::to_string(address_.port)).c_str());
        evhttp_add_header(headers, "Content-Type", "application/json");
        evhttp_add_header(headers, "Connection", "close");
        if (!key_.empty()) { evhttp_add_header(headers, "Authorization", ("Bearer " + key_).c_str()); }
        evbuffer_add(evhttp_request_get_output_buffer(request), body.data(), body.size());
        // The connection owns the request from here on, and frees it where this fails.
        if (evhttp_make_request(connection.get(), request, EVHTTP_REQ_POST,
                                (address_.path + "/v1/chat/completions").c_str()) != 0) {
            return outcome_of(exchange, address_);
        }
        const auto waited = run();
        if (!waited || *waited == Waited::interrupted) { return waited; }
        if (exchange.status != HTTP_SERVUNAVAIL) { return outcome_of(exchange, address_); }
        if (!told) { listener.waiting(); }
        const timeval rest{.tv_sec = std::clamp(exchange.retry_seconds, 1L, most_retry_seconds),
                           .tv_usec = 0};
        const auto rested = wait_until(-1, EV_TIMEOUT, &rest);
        if (!rested || *rested == Waited::interrupted) { return rested; }
    }
}

} // namespace vb::vbctl
