#include "http/error_reply.h"

#include "http/json.h"

#include <utility>

// Named, since glaze's reflection needs types with linkage.
namespace vb::http::wire {

struct ErrorBody {
    std::string_view message;
    std::string_view type;
    std::optional<std::string> param;
    std::optional<std::string_view> code;
};
struct Error {
    ErrorBody error;
};

} // namespace vb::http::wire

namespace vb::http {

ErrorReply invalid_request(std::string message, std::optional<std::string> param) {
    return {.status = 400,
            .message = std::move(message),
            .type = "invalid_request_error",
            .param = std::move(param),
            .code = {}};
}

ErrorReply not_found(std::string message) {
    ErrorReply error = invalid_request(std::move(message));
    error.status = 404;
    error.code = "not_found";
    return error;
}

ErrorReply unavailable(std::string message) {
    return {.status = 503, .message = std::move(message), .type = "server_error", .param = {}, .code = {}};
}

ErrorReply too_many_requests(std::string message) {
    return {.status = 429,
            .message = std::move(message),
            .type = "requests",
            .param = {},
            .code = "rate_limit_exceeded"};
}

ErrorReply error_reply(const engine::Error& error, std::string_view param) {
    ErrorReply reply = invalid_request(error.message, std::string(param));
    switch (error.fault) {
    case engine::Fault::request:
    case engine::Fault::state_file:
        return reply;
    case engine::Fault::too_long:
        reply.code = "context_length_exceeded";
        return reply;
    case engine::Fault::resources:
    case engine::Fault::internal:
        break;
    case engine::Fault::model_missing:
    case engine::Fault::model_malformed:
    case engine::Fault::model_unsupported:
    case engine::Fault::cancelled:
        return unavailable(error.message);
    }
    return {.status = 500, .message = error.message, .type = "server_error", .param = {}, .code = {}};
}

std::string error_json(const ErrorReply& error) {
    return json(wire::Error{
        {.message = error.message, .type = error.type, .param = error.param, .code = error.code}});
}

void reply_error(Exchange& exchange, const ErrorReply& error) {
    // Clients that try again by themselves should give the model time.
    if (error.status == 503 || error.status == 429) { exchange.add_header("Retry-After", "1"); }
    exchange.reply(error.status, json_type, error_json(error));
}

} // namespace vb::http
