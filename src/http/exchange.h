// One HTTP request and its reply. Lives from the arrival of the whole request until the last byte of the
// reply is with the kernel or the connection is gone, and tells its owner when that is.
#pragma once

#include "base/clock.h"
#include "http/limits.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

struct evhttp_connection;
struct evhttp_request;

namespace vb::http {

enum class Method : std::uint8_t { get, head, post, options, other };

class Exchange {
  public:
    // Becomes the owner of the reply. `released` is the last call, and there is always one: it destroys the
    // exchange.
    Exchange(evhttp_request* request, const Limits& limits, std::function<void(Exchange&)> released);
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    Method method() const noexcept;
    // Percent-decoded; empty if the request names none.
    const std::string& path() const noexcept { return path_; }
    std::optional<std::string> query(const char* name) const;
    // The first of this name, in whatever case.
    std::optional<std::string> header(std::string_view name) const;
    std::string body() const;

    // For a reply that comes later: reply(), start_stream() or drop(). If the client goes away before that
    // has ended, `gone` is called, and the exchange must not be touched any more.
    void wait(std::function<void()> gone);

    // Before the reply begins.
    void add_header(const char* name, const std::string& value);
    void close_afterwards();

    // The reply: either one call of this,
    void reply(int status, const char* content_type, std::string_view body);
    // or pieces. send() is false if the client has left too much unread: drop() it then.
    void start_stream(const char* content_type);
    [[nodiscard]] bool send(std::string_view piece);
    void end_stream();
    // Ends the connection without another byte.
    void drop();

    // 0 before the reply begins.
    int status() const noexcept { return status_; }
    base::Nanoseconds begun() const noexcept { return begun_; }

  private:
    static void on_complete(evhttp_request* request, void* exchange) noexcept;
    static void on_close(evhttp_connection* connection, void* exchange) noexcept;
    void release();

    evhttp_request* request_; // libevent's, unless its connection is gone before the reply was ended
    const Limits& limits_;
    std::function<void(Exchange&)> released_;
    std::function<void()> gone_;
    std::string path_;
    const base::Nanoseconds begun_ = base::monotonic_now();
    int status_ = 0;
    bool ended_ = false; // the reply is complete: libevent sends the rest and frees the request
};

} // namespace vb::http
