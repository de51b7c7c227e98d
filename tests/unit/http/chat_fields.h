// Fields of a chat request, and what becomes of them.
#pragma once

#include "http/chat_request.h"

#include <gtest/gtest.h>

namespace vb::http {

// A request with these further fields.
inline std::expected<ChatRequest, ErrorReply> with(const std::string& fields) {
    return parse_chat_request(R"({"messages":[{"role":"user","content":"Hi"}],)" + fields + "}");
}
// The field that was refused.
inline std::string refused(const std::string& fields) {
    const auto request = with(fields);
    if (request) { return "accepted"; }
    EXPECT_EQ(request.error().status, 400);
    EXPECT_EQ(request.error().type, "invalid_request_error");
    const std::string param = request.error().param.value_or("no field");
    EXPECT_TRUE(request.error().message.contains("'" + param + "' must be ")) << request.error().message;
    return param;
}

} // namespace vb::http
