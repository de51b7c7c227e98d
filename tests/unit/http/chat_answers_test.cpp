// Chat completions of more than plain text: several answers, tools, log probabilities.
#include "server_test.h"

namespace vb::http {

namespace {

using ChatAnswersTest = ServerTest;

std::string body(const std::string& fields) {
    return R"({"messages":[{"role":"user","content":"Hi"}],)" + fields + "}";
}

engine::ChosenToken token(const std::string& bytes, std::vector<engine::TokenProbability> others = {}) {
    return {.chosen = {.token = 1, .logprob = -0.5F, .bytes = bytes}, .alternatives = std::move(others)};
}

// The choices of a stream's events, one after the other.
std::string choices(const std::string& stream) {
    std::string found;
    for (std::size_t at = stream.find("\"choices\":"); at != std::string::npos;
         at = stream.find("\"choices\":", at + 1)) {
        found += stream.substr(at + 10, stream.find("\n\n", at) - at - 11) + "\n";
    }
    return found;
}

TEST_F(ChatAnswersTest, SeveralAnswersAreOneReply) {
    Client client = connected();
    client.post(body(R"("n":2)"));
    const auto first = backend_.next();
    const auto second = backend_.next();
    ASSERT_TRUE(first.receiver && second.receiver);
    second.text("two");
    second.finish(engine::Finish::length);
    EXPECT_TRUE(client.silent(50));
    first.text("one");
    first.finish();
    const std::string reply = client.reply().body;
    EXPECT_TRUE(reply.contains(
        R"({"index":0,"message":{"role":"assistant","content":"one","refusal":null},"logprobs":null,"finish_reason":"stop"})"))
        << reply;
    EXPECT_TRUE(reply.contains(
        R"({"index":1,"message":{"role":"assistant","content":"two","refusal":null},"logprobs":null,"finish_reason":"length"})"))
        << reply;
    // The prompt counts once.
    EXPECT_TRUE(reply.contains(R"("usage":{"prompt_tokens":7,"completion_tokens":6,"total_tokens":13)"))
        << reply;
}

TEST_F(ChatAnswersTest, SeveralStreamedAnswersMayAlternate) {
    Client client = connected();
    client.post(body(R"("n":2,"stream":true)"));
    const auto first = backend_.next();
    const auto second = backend_.next();
    ASSERT_TRUE(first.receiver && second.receiver);
    second.text("b");
    first.text("a");
    second.finish();
    first.text("A");
    first.finish();
    const std::string stream = client.reply().body;
    EXPECT_EQ(choices(stream),
              R"([{"index":1,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]
[{"index":1,"delta":{"content":"b"},"logprobs":null,"finish_reason":null}]
[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]
[{"index":0,"delta":{"content":"a"},"logprobs":null,"finish_reason":null}]
[{"index":1,"delta":{},"logprobs":null,"finish_reason":"stop"}]
[{"index":0,"delta":{"content":"A"},"logprobs":null,"finish_reason":null}]
[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]
)");
    EXPECT_TRUE(stream.ends_with("data: [DONE]\n\n"));
}

TEST_F(ChatAnswersTest, ToolCalls) {
    Client client = connected();
    client.post(body(R"("tools":[{"type":"function","function":{"name":"f"}}])"));
    const auto call = backend_.next();
    ASSERT_TRUE(call.receiver);
    call.receiver->tool_call({.index = 0, .name = "f", .arguments = R"({"a":"\n"})"});
    call.receiver->tool_call({.index = 1, .name = "f", .arguments = "{}"});
    call.finish();
    const std::string reply = masked(client.reply().body);
    EXPECT_TRUE(reply.contains(
        R"("message":{"role":"assistant","content":null,"refusal":null,"tool_calls":[)"
        R"({"id":"ID","type":"function","function":{"name":"f","arguments":"{\"a\":\"\\n\"}"}},)"
        R"({"id":"ID","type":"function","function":{"name":"f","arguments":"{}"}}]},"logprobs":null,"finish_reason":"tool_calls")"))
        << reply;
}

TEST_F(ChatAnswersTest, StreamedToolCalls) {
    Client client = connected();
    client.post(body(R"("stream":true,"tools":[{"type":"function","function":{"name":"f"}}])"));
    const auto call = backend_.next();
    ASSERT_TRUE(call.receiver);
    call.receiver->tool_call({.index = 0, .name = "f", .arguments = R"({"a":1})"});
    call.receiver->tool_call({.index = 1, .name = "g", .arguments = "{}"});
    call.finish();
    EXPECT_EQ(
        choices(masked(client.reply().body)),
        R"([{"index":0,"delta":{"role":"assistant","content":null},"logprobs":null,"finish_reason":null}]
[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"ID","type":"function","function":{"name":"f","arguments":""}}]},"logprobs":null,"finish_reason":null}]
[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":1}"}}]},"logprobs":null,"finish_reason":null}]
[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"ID","type":"function","function":{"name":"g","arguments":""}}]},"logprobs":null,"finish_reason":null}]
[{"index":0,"delta":{"tool_calls":[{"index":1,"function":{"arguments":"{}"}}]},"logprobs":null,"finish_reason":null}]
[{"index":0,"delta":{},"logprobs":null,"finish_reason":"tool_calls"}]
)");
}

TEST_F(ChatAnswersTest, LogprobsComeWithTheText) {
    Client client = connected();
    client.post(body(R"("logprobs":true,"top_logprobs":1)"));
    const auto call = backend_.next();
    ASSERT_TRUE(call.receiver);
    EXPECT_EQ(call.request.alternatives, 1U);
    const float infinite = std::numeric_limits<float>::infinity();
    call.receiver->token(token("\xC3", {{.token = 2, .logprob = -infinite, .bytes = "b"}}));
    call.receiver->token(token("\xA9"));
    call.text("\xC3\xA9");
    call.receiver->token(token("<end>")); // of no text: not told
    call.finish();
    const std::string reply = client.reply().body;
    EXPECT_TRUE(reply.contains(
        R"("logprobs":{"content":[{"token":")"
        "\uFFFD"
        R"(","logprob":-0.5,"bytes":[195],"top_logprobs":[{"token":"b","logprob":-9999,"bytes":[98]}]},)"
        R"({"token":")"
        "\uFFFD"
        R"(","logprob":-0.5,"bytes":[169],"top_logprobs":[]}],"refusal":null})"))
        << reply;
}

TEST_F(ChatAnswersTest, TheFieldAtFaultIsTheEnginesToSay) {
    const auto param = [this](const std::string& message) {
        Client client = connected();
        client.post(chat);
        backend_.next().fail(engine::Fault::request, message);
        const std::string reply = client.reply().body;
        return reply.substr(reply.find("\"param\":"), reply.find(",\"code\"") - reply.find("\"param\":"));
    };
    EXPECT_EQ(param("schema: it has no end"), R"("param":"response_format")");
    EXPECT_EQ(param("grammar: it has no root"), R"("param":"grammar")");
    EXPECT_EQ(param("logit_bias: token 7: expected less"), R"("param":"logit_bias")");
    EXPECT_EQ(param("the prompt is empty"), R"("param":"messages")");
}

TEST_F(ChatAnswersTest, StreamedLogprobs) {
    Client client = connected();
    client.post(body(R"("logprobs":true,"stream":true)"));
    const auto call = backend_.next();
    ASSERT_TRUE(call.receiver);
    call.receiver->token(token("a"));
    call.text("a");
    call.receiver->token(token("\xE2\x82")); // cut off in the middle of a character
    call.finish(engine::Finish::length);
    EXPECT_EQ(
        choices(client.reply().body),
        R"([{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]
[{"index":0,"delta":{"content":"a"},"logprobs":{"content":[{"token":"a","logprob":-0.5,"bytes":[97],"top_logprobs":[]}],"refusal":null},"finish_reason":null}]
[{"index":0,"delta":{},"logprobs":{"content":[{"token":")"
        "\uFFFD\uFFFD"
        R"(","logprob":-0.5,"bytes":[226,130],"top_logprobs":[]}],"refusal":null},"finish_reason":"length"}]
)");
}

} // namespace

} // namespace vb::http
