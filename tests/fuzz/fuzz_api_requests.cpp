// Any bytes as the body of a completion, a response or embeddings: a request within its limits, or a refusal that can be
// sent.
#include "http/completion_request.h"
#include "http/embeddings.h"
#include "http/response_request.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace {

using namespace vb;

void require(bool condition) {
    if (!condition) { std::abort(); }
}

void check(const engine::Request& request) {
    const engine::Sampling& sampling = request.sampling;
    require(sampling.temperature >= 0 && sampling.temperature <= 2 && sampling.top_p >= 0 &&
            sampling.top_p <= 1);
    require(request.max_tokens <= 0x7FFFFFFF && request.stop.size() <= 16);
    require(!request.alternatives || *request.alternatives <= 20);
    require(sampling.grammar.empty() || sampling.schema.empty());
    for (const engine::LogitBias& bias : sampling.logit_bias) {
        require(bias.token >= 0 && bias.bias >= -100 && bias.bias <= 100);
    }
}

void check(const http::CompletionRequest& request) {
    require(!request.engine.empty() && request.engine.size() <= 64);
    require(request.engine.size() % request.answers == 0);
    for (const engine::Request& one : request.engine) {
        check(one);
    }
}

void check(const http::ResponseRequest& request) {
    require(request.engine.size() == 1);
    check(request.engine.front());
    const auto& messages = std::get<engine::Messages>(request.engine.front().prompt);
    require(messages.json.starts_with('[') && messages.json.ends_with(']'));
    // What is made of an input is JSON: it can be an input again where it is messages only.
    if (!messages.json.contains(R"("role":"tool")") && !messages.json.contains("tool_calls") &&
        messages.json != "[]") {
        require(http::parse_response_request(R"({"input":)" + messages.json + "}").has_value());
    }
}

void check(const http::EmbeddingRequest& request) {
    require(!request.inputs.empty() && request.inputs.size() <= 2048);
    require(!request.dimensions || *request.dimensions > 0);
}

template <class Request>
void check(const std::expected<Request, http::ErrorReply>& request) {
    if (request) { return check(*request); }
    require(request.error().status == 400 && !request.error().message.empty());
    require(http::error_json(request.error()).starts_with(R"({"error":{"message":")"));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view body(reinterpret_cast<const char*>(data), size);
    check(http::parse_completion_request(body));
    check(http::parse_response_request(body));
    check(http::parse_embedding_request(body));
    return 0;
}
