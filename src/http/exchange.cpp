#include "http/exchange.h"

#include <algorithm>
#include <chrono>
#include <format>
#include <iterator>
#include <random>
#include <utility>

namespace vb::http {

namespace {

std::string_view reason_phrase(int status) noexcept {
    static constexpr std::pair<int, std::string_view> phrases[] = {
        {200, "OK"},
        {204, "No Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };
    const auto* const found = std::ranges::find(phrases, status, &std::pair<int, std::string_view>::first);
    return found == std::end(phrases) ? std::string_view() : found->second; // there need not be one
}

// What is safe in a header, in JSON and on a terminal.
bool is_sane_id(std::string_view text) noexcept {
    constexpr std::size_t longest = 64;
    return !text.empty() && text.size() <= longest && std::ranges::all_of(text, [](char letter) {
        return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
               (letter >= '0' && letter <= '9') || letter == '-' || letter == '_' || letter == '.';
    });
}

std::string id_of(const Request& request) {
    if (const std::string* const given = request.header("X-Request-Id");
        given != nullptr && is_sane_id(*given)) {
        return *given;
    }
    std::random_device random;
    return std::format("req-{:08x}{:08x}{:08x}", random(), random(), random());
}

} // namespace

Exchange::Exchange(Request request, ReplyChannel& channel, std::string peer, base::Nanoseconds begun)
    : request_(std::move(request)), channel_(channel), peer_(std::move(peer)), request_id_(id_of(request_)),
      begun_(begun), client_(peer_), keeps_connection_(request_.keeps_connection) {}

std::optional<std::string> Exchange::header(std::string_view name) const {
    const std::string* const value = request_.header(name);
    return value == nullptr ? std::nullopt : std::optional(*value);
}

void Exchange::add_header(std::string_view name, std::string_view value) {
    headers_.append(name).append(": ");
    // A line's end in a value would be the beginning of another header.
    std::ranges::replace_copy_if(
        value, std::back_inserter(headers_), [](char letter) { return letter == '\r' || letter == '\n'; },
        ' ');
    headers_ += "\r\n";
}

bool Exchange::begin(int status, std::string_view content_type, std::optional<std::size_t> length,
                     std::string_view body) {
    status_ = status;
    const bool has_body = status != 204 && status != 304;
    if (!length && !request_.takes_chunks) {
        keeps_connection_ = false;
    } // only its end says where the reply ends
    std::string head =
        std::format("HTTP/1.1 {} {}\r\nDate: {:%a, %d %b %Y %H:%M:%S} GMT\r\nX-Request-Id: {}\r\n", status,
                    reason_phrase(status),
                    std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()), request_id_);
    head += headers_;
    if (has_body && length != 0) {
        std::format_to(std::back_inserter(head), "Content-Type: {}\r\n", content_type);
    }
    if (has_body && length) { std::format_to(std::back_inserter(head), "Content-Length: {}\r\n", *length); }
    if (has_body && !length && request_.takes_chunks) { head += "Transfer-Encoding: chunked\r\n"; }
    if (!keeps_connection_) {
        head += "Connection: close\r\n";
    } else if (!request_.takes_chunks) {
        head += "Connection: keep-alive\r\n"; // which is not what HTTP/1.0 does by itself
    }
    head += "\r\n";
    head += body;
    bytes_sent_ += body.size();
    return channel_.write(head);
}

void Exchange::reply(int status, std::string_view content_type, std::string_view body) {
    const std::string_view sent = method() == Method::head ? std::string_view() : body;
    static_cast<void>(
        begin(status, content_type, body.size(), sent)); // whole replies have bounds of their own
    ended_ = true;
    channel_.end();
}

void Exchange::start_stream(std::string_view content_type) {
    static_cast<void>(begin(200, content_type, std::nullopt)); // the first piece will tell
}

bool Exchange::send(std::string_view piece) {
    if (piece.empty() || method() == Method::head) { return true; }
    bytes_sent_ += piece.size();
    return request_.takes_chunks ? channel_.write(std::format("{:x}\r\n{}\r\n", piece.size(), piece))
                                 : channel_.write(piece);
}

void Exchange::end_stream() {
    if (request_.takes_chunks && method() != Method::head) { static_cast<void>(channel_.write("0\r\n\r\n")); }
    ended_ = true;
    channel_.end();
}

void Exchange::drop() {
    gone_ = nullptr;
    channel_.drop();
}

std::string_view Exchange::probe() const noexcept {
    if (!request_.takes_chunks || ended_ || (status_ != 0 && method() == Method::head)) { return {}; }
    // Interim replies do no harm. Between chunks, the next one's length may begin with zeros.
    return status_ == 0 ? continue_reply : "0";
}

void Exchange::lose_client() {
    if (ended_) { return; }
    if (const auto gone = std::exchange(gone_, nullptr)) { gone(); }
}

} // namespace vb::http
