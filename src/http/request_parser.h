// HTTP/1.x requests out of a stream of bytes, by llhttp in its strict form. Knows no socket and no time, and keeps no
// more of a request than its limits say: what is wrong or too large is a fault with the status that HTTP has for it.
#pragma once

#include "http/limits.h"
#include "http/request.h"

#include <cstddef>
#include <expected>
#include <llhttp.h>
#include <optional>
#include <string>
#include <string_view>

namespace vb::http {

class RequestParser {
  public:
    struct Fault {
        int status;
        std::string message;
    };

    explicit RequestParser(const Limits& limits);
    RequestParser(const RequestParser&) = delete;
    RequestParser& operator=(const RequestParser&) = delete;

    // Takes bytes up to the end of the request, and says how many it took. After a fault the stream has no more
    // requests: where the next would begin cannot be known.
    std::expected<std::size_t, Fault> feed(std::string_view bytes);

    // A byte of the request has come.
    bool is_begun() const noexcept { return begun_; }
    bool has_head() const noexcept { return has_head_; }
    // The client waits for "100 Continue" before it sends the body.
    bool is_expecting() const noexcept { return expecting_ && request_.body.empty(); }
    std::size_t body_size() const noexcept { return request_.body.size(); }
    bool is_complete() const noexcept { return complete_; }

    // What is known of the request, without its body: all of that once the head is there.
    Request head();
    // What is known of the request: all of it once it is complete. The parser is ready for the next.
    Request take();

  private:
    static const llhttp_settings_t& settings() noexcept;
    template <auto Member>
    static int span(llhttp_t* parser, const char* at, std::size_t size) noexcept;
    template <auto Member>
    static int point(llhttp_t* parser) noexcept;

    int add_target(std::string_view piece);
    int add_name(std::string_view piece);
    int end_name();
    int add_value(std::string_view piece);
    int begin_chunk();
    int add_body(std::string_view piece);
    int count_extension(std::string_view piece);
    int end_head();
    int end_message();
    // What of a complete head llhttp does not check.
    std::optional<Fault> judge_headers();
    bool has_room_for(std::string_view piece);
    int refuse_body();
    int refuse(int status, std::string message);
    Fault fault_of(llhttp_errno_t error) const;

    const Limits& limits_;
    llhttp_t parser_{};
    Request request_;
    std::optional<Fault> fault_;   // found by a callback
    std::size_t header_bytes_ = 0; // of names, values, trailers and chunk extensions
    bool name_complete_ = true;    // the next piece of a name begins a header
    bool begun_ = false;
    bool has_head_ = false;
    bool expecting_ = false;
    bool complete_ = false;
};

} // namespace vb::http
