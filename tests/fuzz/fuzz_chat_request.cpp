// Any bytes as the body of a chat completion: a request within its limits, or a refusal that can be sent.
#include "http/chat_request.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace {

void require(bool condition) {
    if (!condition) { std::abort(); }
}

void check(const vb::http::ChatRequest& request) {
    require(!request.engine.empty() && request.engine.size() <= 16);
    const vb::engine::Sampling& sampling = request.engine.front().sampling;
    require(sampling.temperature >= 0 && sampling.temperature <= 2);
    require(sampling.top_p >= 0 && sampling.top_p <= 1);
    require(sampling.min_p >= 0 && sampling.min_p <= 1);
    require(request.engine.front().max_tokens <= 0x7FFFFFFF && sampling.top_k <= 0x7FFFFFFF);
    require(request.engine.front().stop.size() <= 16);
    require(std::ranges::none_of(request.engine.front().stop, &std::string::empty));
    // The messages are a JSON document of their own: what is handed on does not depend on what stood around
    // it.
    const std::string& messages = std::get<vb::engine::Messages>(request.engine.front().prompt).json;
    const auto again = vb::http::parse_chat_request(R"({"messages":)" + messages + "}");
    require(again && std::get<vb::engine::Messages>(again->engine.front().prompt).json == messages);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto request = vb::http::parse_chat_request(std::string(reinterpret_cast<const char*>(data), size));
    if (request) {
        check(*request);
    } else {
        require(request.error().status == 400 && !request.error().message.empty());
        require(vb::http::error_json(request.error()).starts_with(R"({"error":{"message":")"));
    }
    return 0;
}
