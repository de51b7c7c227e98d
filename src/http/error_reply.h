// Errors in OpenAI's shape, with the status that goes with them.
#pragma once

#include "engine/error.h"
#include "http/exchange.h"

#include <optional>
#include <string>
#include <string_view>

namespace vb::http {

struct ErrorReply {
    int status = 500;
    std::string message;
    std::string_view type;            // "invalid_request_error", "server_error", "requests"
    std::optional<std::string> param; // the field at fault
    std::optional<std::string_view> code;
};

// A request that is wrong in itself: 400.
ErrorReply invalid_request(std::string message, std::optional<std::string> param = std::nullopt);
ErrorReply not_found(std::string message);
// One that cannot be answered now: 503.
ErrorReply unavailable(std::string message);
// One more than there is room for: 429.
ErrorReply too_many_requests(std::string message);
// What a client is told of the engine's refusal or failure. `param`: the field that holds the prompt.
ErrorReply error_reply(const engine::Error& error, std::string_view param);

std::string error_json(const ErrorReply& error);
void reply_error(Exchange& exchange, const ErrorReply& error);

} // namespace vb::http
