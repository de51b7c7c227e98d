// One HTTP request and its reply. Lives from the arrival of the whole request, or of a head that is refused, until the
// last byte of the reply is with the kernel or the connection is gone. Its connection owns it, and it never outlives that.
#pragma once

#include "base/clock.h"
#include "http/request.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace vb::http {

inline constexpr std::string_view continue_reply = "HTTP/1.1 100 Continue\r\n\r\n";
inline constexpr char json_type[] = "application/json";

// Where the bytes of a reply go.
class ReplyChannel {
  public:
    // False: the client has left too much unread.
    virtual bool write(std::string_view bytes) = 0;
    // No more bytes of this reply will come. The exchange lives on until those that came are with the kernel.
    virtual void end() = 0;
    virtual void drop() = 0;

  protected:
    ~ReplyChannel() = default;
};

class Exchange {
  public:
    Exchange(Request request, ReplyChannel& channel, std::string peer, base::Nanoseconds begun);
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    Method method() const noexcept { return request_.method; }
    // As the client wrote it; empty where it is not known.
    std::string_view method_name() const noexcept { return request_.method_name; }
    // Percent-decoded.
    std::string path() const { return request_.path; }
    // As it came, with the query.
    const std::string& target() const noexcept { return request_.target; }
    std::optional<std::string> query(const char* name) const { return request_.query(name); }
    // The first of this name, in whatever case.
    std::optional<std::string> header(std::string_view name) const;
    const std::string& body() const noexcept { return request_.body; }
    // The client's address, without its port.
    const std::string& peer() const noexcept { return peer_; }
    // The client's own X-Request-Id where that is one, else ours. The reply has it too.
    const std::string& request_id() const noexcept { return request_id_; }
    // Who is asking: the same text for all requests that share one key, or one address where there are no keys.
    const std::string& client() const noexcept { return client_; }
    void set_client(std::string client) { client_ = std::move(client); }

    // For a reply that comes later: reply(), start_stream() or drop(). If the client goes away before that
    // has ended, `gone` is called, and the exchange must not be touched any more.
    void wait(std::function<void()> gone) { gone_ = std::move(gone); }

    // Before the reply begins.
    void add_header(std::string_view name, std::string_view value);
    void close_afterwards() noexcept { keeps_connection_ = false; }

    // The reply: either one call of this,
    void reply(int status, std::string_view content_type, std::string_view body);
    // or pieces. send() is false if the client has left too much unread: drop() it then.
    void start_stream(std::string_view content_type);
    [[nodiscard]] bool send(std::string_view piece);
    void end_stream();
    // Ends the connection without another byte.
    void drop();

    // What the log of requests says of it.
    struct Tokens {
        std::uint64_t prompt = 0, completion = 0;
    };
    void note(const Tokens& tokens) noexcept { tokens_ = tokens; }
    const std::optional<Tokens>& tokens() const noexcept { return tokens_; }
    // 0 before the reply begins.
    int status() const noexcept { return status_; }
    // Of the reply's body.
    std::uint64_t bytes_sent() const noexcept { return bytes_sent_; }
    // When the request's first byte came.
    base::Nanoseconds begun() const noexcept { return begun_; }
    // The whole reply has been written.
    bool has_ended() const noexcept { return ended_; }
    bool keeps_connection() const noexcept { return keeps_connection_; }

    // Its connection's: the client is gone, or the server ends.
    void lose_client();
    bool waits() const noexcept { return bool(gone_) && !ended_; }
    // Bytes that may be sent now and change nothing; empty if there are none.
    std::string_view probe() const noexcept;

  private:
    // Sends status line and headers.
    bool begin(int status, std::string_view content_type, std::optional<std::size_t> length,
               std::string_view body = {});

    const Request request_;
    ReplyChannel& channel_;
    const std::string peer_;
    const std::string request_id_;
    const base::Nanoseconds begun_;
    std::string client_;
    std::string headers_; // added ones, as they are sent
    std::function<void()> gone_;
    std::optional<Tokens> tokens_;
    std::uint64_t bytes_sent_ = 0;
    int status_ = 0;
    bool keeps_connection_;
    bool ended_ = false;
};

} // namespace vb::http
