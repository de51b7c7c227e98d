#include "http/request_parser.h"

#include <algorithm>
#include <format>
#include <utility>

namespace vb::http {

namespace {

Method method_of(std::uint8_t number) noexcept {
    switch (number) {
    case HTTP_GET:
        return Method::get;
    case HTTP_HEAD:
        return Method::head;
    case HTTP_POST:
        return Method::post;
    case HTTP_OPTIONS:
        return Method::options;
    default:
        return Method::other;
    }
}

// RFC 9110's token, of which a method's name consists.
bool is_token(char letter) noexcept {
    return (letter >= 'A' && letter <= 'Z') || (letter >= 'a' && letter <= 'z') ||
           (letter >= '0' && letter <= '9') || std::string_view("!#$%&'*+-.^_`|~").contains(letter);
}

constexpr std::size_t header_cost = 32; // of a header's place in memory, however short it is

} // namespace

template <auto Member>
int RequestParser::span(llhttp_t* parser, const char* at, std::size_t size) noexcept {
    return (static_cast<RequestParser*>(parser->data)->*Member)({at, size});
}
template <auto Member>
int RequestParser::point(llhttp_t* parser) noexcept {
    return (static_cast<RequestParser*>(parser->data)->*Member)();
}

const llhttp_settings_t& RequestParser::settings() noexcept {
    static const llhttp_settings_t calls = [] {
        llhttp_settings_t made{};
        llhttp_settings_init(&made);
        made.on_url = span<&RequestParser::add_target>;
        made.on_header_field = span<&RequestParser::add_name>;
        made.on_header_field_complete = point<&RequestParser::end_name>;
        made.on_header_value = span<&RequestParser::add_value>;
        made.on_chunk_extension_name = span<&RequestParser::count_extension>;
        made.on_chunk_extension_value = span<&RequestParser::count_extension>;
        made.on_chunk_header = point<&RequestParser::begin_chunk>;
        made.on_body = span<&RequestParser::add_body>;
        made.on_headers_complete = point<&RequestParser::end_head>;
        made.on_message_complete = point<&RequestParser::end_message>;
        return made;
    }();
    return calls;
}

RequestParser::RequestParser(const Limits& limits) : limits_(limits) {
    llhttp_init(&parser_, HTTP_REQUEST, &settings());
    parser_.data = this;
}

std::expected<std::size_t, RequestParser::Fault> RequestParser::feed(std::string_view bytes) {
    if (fault_) { return std::unexpected(*fault_); }
    // Empty lines before a request are allowed, and are not its beginning.
    begun_ = begun_ || bytes.find_first_not_of("\r\n") != std::string_view::npos;
    const llhttp_errno_t error = llhttp_execute(&parser_, bytes.data(), bytes.size());
    if (complete_) {
        const std::size_t taken = static_cast<std::size_t>(llhttp_get_error_pos(&parser_) - bytes.data());
        llhttp_resume(&parser_);
        return taken;
    }
    if (error == HPE_OK) { return bytes.size(); }
    if (!fault_) { fault_ = fault_of(error); }
    if (!request_.target.empty()) { request_.method = method_of(llhttp_get_method(&parser_)); }
    return std::unexpected(*fault_);
}

RequestParser::Fault RequestParser::fault_of(llhttp_errno_t error) const {
    switch (error) {
    case HPE_INVALID_METHOD: {
        const char* const at = llhttp_get_error_pos(&parser_);
        if (at != nullptr && is_token(*at)) { return {405, "the request's method is not known here"}; }
        return {400, "this is no HTTP request"};
    }
    case HPE_INVALID_VERSION:
    case HPE_PAUSED_H2_UPGRADE:
        return {505, "this server speaks HTTP/1.1 and HTTP/1.0"};
    default:
        return {400, std::format("the request is malformed: {}", llhttp_get_error_reason(&parser_))};
    }
}

int RequestParser::refuse(int status, std::string message) {
    fault_ = Fault{status, std::move(message)};
    return HPE_USER;
}

bool RequestParser::has_room_for(std::string_view piece) {
    header_bytes_ += piece.size();
    return header_bytes_ <= limits_.headers;
}

int RequestParser::add_target(std::string_view piece) {
    if (request_.target.size() + piece.size() > limits_.target) {
        return refuse(414, std::format("the target is longer than {} bytes", limits_.target));
    }
    request_.target += piece;
    return 0;
}

int RequestParser::add_name(std::string_view piece) {
    if (std::exchange(name_complete_, false)) {
        header_bytes_ += header_cost;
        if (!has_head_) { request_.headers.emplace_back(); }
    }
    if (!has_room_for(piece)) {
        return refuse(431, std::format("the headers are larger than {} bytes", limits_.headers));
    }
    if (!has_head_) { request_.headers.back().name += piece; } // what comes after a body is not used
    return 0;
}

int RequestParser::end_name() {
    name_complete_ = true;
    return 0;
}

int RequestParser::add_value(std::string_view piece) {
    if (!has_room_for(piece)) {
        return refuse(431, std::format("the headers are larger than {} bytes", limits_.headers));
    }
    if (!has_head_) { request_.headers.back().value += piece; }
    return 0;
}

int RequestParser::count_extension(std::string_view piece) {
    return has_room_for(piece) ? 0 : refuse(400, "the extensions of the body's chunks are too large");
}

int RequestParser::refuse_body() {
    return refuse(413, std::format("the body is larger than {} bytes", limits_.body));
}

int RequestParser::begin_chunk() {
    return parser_.content_length > limits_.body - request_.body.size() ? refuse_body() : 0;
}

int RequestParser::add_body(std::string_view piece) {
    if (piece.size() > limits_.body - request_.body.size()) { return refuse_body(); }
    request_.body += piece;
    return 0;
}

std::optional<RequestParser::Fault> RequestParser::judge_headers() {
    const auto hosts = std::ranges::count_if(
        request_.headers, [](const Header& header) { return equal_ignoring_case(header.name, "Host"); });
    if (hosts > 1 || (hosts == 0 && request_.takes_chunks)) {
        return Fault{400, "a request has one Host header"};
    }
    const std::string* const encoding = request_.header("Transfer-Encoding");
    if (encoding != nullptr && !request_.takes_chunks) {
        return Fault{400, "Transfer-Encoding does not exist in HTTP/1.0"};
    }
    if (encoding != nullptr && !equal_ignoring_case(*encoding, "chunked")) {
        return Fault{501, "of the transfer encodings only chunked is implemented"};
    }
    if ((parser_.flags & F_CONTENT_LENGTH) != 0 && parser_.content_length > limits_.body) {
        return Fault{413, std::format("the body is larger than {} bytes", limits_.body)};
    }
    if (const std::string* const expected = request_.header("Expect");
        expected != nullptr && request_.takes_chunks) {
        if (!equal_ignoring_case(*expected, "100-continue")) {
            return Fault{417, "only 100-continue can be expected"};
        }
        expecting_ = (parser_.flags & F_CHUNKED) != 0 || parser_.content_length > 0;
    }
    return std::nullopt;
}

int RequestParser::end_head() {
    has_head_ = true;
    name_complete_ = true;
    const int minor = llhttp_get_http_minor(&parser_);
    if (llhttp_get_http_major(&parser_) != 1 || minor > 1) {
        return refuse(505, "this server speaks HTTP/1.1 and HTTP/1.0");
    }
    request_.takes_chunks = minor == 1;
    for (Header& header : request_.headers) { // llhttp leaves the space that may follow a value
        header.value.erase(header.value.find_last_not_of(" \t") + 1);
    }
    const std::uint8_t method = llhttp_get_method(&parser_);
    request_.method = method_of(method);
    request_.method_name = llhttp_method_name(static_cast<llhttp_method_t>(method));
    if (method == HTTP_CONNECT) { return refuse(405, "this server is no proxy"); }
    const bool is_printable =
        std::ranges::all_of(request_.target, [](char letter) { return letter > ' ' && letter < '\x7F'; });
    if (!is_printable || request_.target.contains('#') || !request_.split_target()) {
        return refuse(400, "the request's target is malformed");
    }
    if (auto fault = judge_headers()) { return refuse(fault->status, std::move(fault->message)); }
    request_.keeps_connection = llhttp_should_keep_alive(&parser_) != 0;
    parser_.upgrade = 0; // a server may ignore the wish, and the bytes that follow are HTTP then
    return 0;
}

int RequestParser::end_message() {
    complete_ = true;
    return HPE_PAUSED;
}

Request RequestParser::head() {
    std::string body = std::exchange(request_.body, {}); // it may be long
    Request head = request_;
    request_.body = std::move(body);
    return head;
}

Request RequestParser::take() {
    begun_ = has_head_ = expecting_ = complete_ = false;
    name_complete_ = true;
    header_bytes_ = 0;
    return std::exchange(request_, {});
}

} // namespace vb::http
