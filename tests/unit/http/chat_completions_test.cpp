#include "server_test.h"

namespace vb::http {

namespace {

using ChatCompletionsTest = ServerTest;

int count_marks(const trace::Timeline& timeline, std::string_view name) {
    int count = 0;
    for (std::uint32_t index = 0; index < timeline.layout()->header.used; ++index) {
        count += timeline.layout()->records[index].name == name ? 1 : 0;
    }
    return count;
}

TEST_F(ChatCompletionsTest, WholeAnswer) {
    Client client = connected();
    client.post(chat);
    const auto call = backend_.next();
    ASSERT_TRUE(call.receiver);
    EXPECT_EQ(std::get<engine::Messages>(call.request.prompt).json, R"([{"role":"user","content":"Hi"}])");
    call.text("Good ");
    call.text("\"day\"\n\x01");
    call.finish();
    const Reply reply = client.reply();
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.headers.at("Content-Type"), "application/json");
    EXPECT_EQ(
        masked(reply.body),
        R"({"id":"ID","object":"chat.completion","created":TIME,"model":"tiny/model","choices":[{"index":0,)"
        R"("message":{"role":"assistant","content":"Good \"day\"\n\u0001","refusal":null},"logprobs":null,)"
        R"("finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10,)"
        R"("prompt_tokens_details":{"cached_tokens":2}},"system_fingerprint":"vector_boot-0.1.0"})");
}

std::string event(const std::string& rest) {
    return R"(data: {"id":"ID","object":"chat.completion.chunk","created":TIME,"model":"tiny/model",)"
           R"("system_fingerprint":"vector_boot-0.1.0","choices":)" +
           rest + "}\n\n";
}
std::string delta(const std::string& delta, const std::string& finish = "null") {
    return R"([{"index":0,"delta":)" + delta + R"(,"logprobs":null,"finish_reason":)" + finish + "}]";
}

TEST_F(ChatCompletionsTest, StreamedAnswerFrameByFrame) {
    Client client = connected();
    client.post(streamed_chat);
    const auto call = backend_.next();
    ASSERT_TRUE(call.receiver);
    // Not a byte before there is a token: clients measure by the first.
    EXPECT_TRUE(client.silent(50));
    call.text("One");
    const Reply head = client.head();
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.headers.at("Content-Type"), "text/event-stream");
    EXPECT_EQ(head.headers.at("Cache-Control"), "no-cache");
    EXPECT_EQ(masked(client.chunk()),
              event(delta(R"({"role":"assistant","content":""})")) + event(delta(R"({"content":"One"})")));
    call.text(" \"two\"\n\x02");
    EXPECT_EQ(masked(client.chunk()), event(delta(R"({"content":" \"two\"\n\u0002"})")));
    call.finish(engine::Finish::length);
    EXPECT_EQ(masked(client.chunk()), event(delta("{}", R"("length")")) + "data: [DONE]\n\n");
    EXPECT_EQ(client.chunk(), "");
    // The connection is kept.
    client.get("/live");
    EXPECT_EQ(client.reply().status, 200);
}

TEST_F(ChatCompletionsTest, StreamWithUsage) {
    Client client = connected();
    client.post(R"({"messages":[{}],"stream":true,"stream_options":{"include_usage":true}})");
    const auto call = backend_.next();
    ASSERT_TRUE(call.receiver);
    call.text("One");
    call.finish();
    const std::string null = R"(,"usage":null)";
    EXPECT_EQ(masked(client.reply().body),
              event(delta(R"({"role":"assistant","content":""})") + null) +
                  event(delta(R"({"content":"One"})") + null) + event(delta("{}", R"("stop")") + null) +
                  event(R"([],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10,)"
                        R"("prompt_tokens_details":{"cached_tokens":2}})") +
                  "data: [DONE]\n\n");
}

TEST_F(ChatCompletionsTest, StreamForClientsOfHttp10EndsWithTheConnection) {
    Client client = connected();
    const std::string body(streamed_chat);
    client.send("POST /v1/chat/completions HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n\r\n" + body);
    const auto call = backend_.next();
    ASSERT_TRUE(call.receiver);
    call.text("One");
    call.finish();
    const std::string all = client.drain();
    EXPECT_FALSE(all.contains("Content-Length")) << all;
    EXPECT_TRUE(all.contains(R"("content":"One")")) << all;
    EXPECT_TRUE(all.ends_with("data: [DONE]\n\n")) << all;
}

TEST_F(ChatCompletionsTest, EmptyStreamIsStillAnAnswer) {
    Client client = connected();
    client.post(streamed_chat);
    backend_.next().finish();
    EXPECT_EQ(masked(client.reply().body), event(delta(R"({"role":"assistant","content":""})")) +
                                               event(delta("{}", R"("stop")")) + "data: [DONE]\n\n");
}

TEST_F(ChatCompletionsTest, RequestDuringLoadingWaitsAndIsAnswered) {
    backend_.set_state(engine::State::loading);
    Client client = connected();
    client.post(chat);
    const auto call = backend_.next();
    ASSERT_TRUE(call.receiver);
    EXPECT_TRUE(client.silent(50));
    backend_.set_state(engine::State::ready);
    call.text("late");
    call.finish();
    const Reply reply = client.reply();
    EXPECT_EQ(reply.status, 200);
    EXPECT_TRUE(reply.body.contains(R"("content":"late")"));
}

TEST_F(ChatCompletionsTest, ClientsAreAnsweredApart) {
    Client first = connected();
    first.post(chat);
    const auto first_call = backend_.next();
    Client second = connected();
    second.post(chat);
    const auto second_call = backend_.next();
    ASSERT_TRUE(first_call.receiver && second_call.receiver);
    second_call.text("for the second");
    second_call.finish();
    EXPECT_TRUE(second.reply().body.contains("for the second"));
    EXPECT_TRUE(first.silent(0));
    first_call.text("for the first");
    first_call.finish();
    EXPECT_TRUE(first.reply().body.contains("for the first"));
}

TEST_F(ChatCompletionsTest, RefusedRequestNeverReachesTheEngine) {
    Client client = connected();
    client.post(R"({"messages":[{}],"temperature":"hot"})");
    const Reply reply = client.reply();
    EXPECT_EQ(reply.status, 400);
    EXPECT_EQ(
        reply.body,
        R"({"error":{"message":"'temperature' must be a number from 0 to 2","type":"invalid_request_error","param":"temperature","code":null}})");
    client.post(chat);
    EXPECT_EQ(backend_.next().ticket, 1U);
}

TEST_F(ChatCompletionsTest, EngineErrorsBecomeStatusCodes) {
    const auto status = [this](engine::Fault fault) {
        Client client = connected();
        client.post(streamed_chat);
        backend_.next().fail(fault, "the reason");
        const Reply reply = client.reply();
        EXPECT_TRUE(reply.body.contains(R"("message":"the reason")")) << reply.body;
        return reply.status;
    };
    EXPECT_EQ(status(engine::Fault::request), 400);
    EXPECT_EQ(status(engine::Fault::internal), 500);
    EXPECT_EQ(status(engine::Fault::resources), 500);
    EXPECT_EQ(status(engine::Fault::model_malformed), 503);
}

TEST_F(ChatCompletionsTest, ErrorInTheMiddleOfAStreamEndsIt) {
    Client client = connected();
    client.post(streamed_chat);
    const auto call = backend_.next();
    ASSERT_TRUE(call.receiver);
    call.text("One");
    call.fail(engine::Fault::internal, "it broke");
    const std::string body = client.reply().body;
    EXPECT_TRUE(body.ends_with("data: {\"error\":{\"message\":\"it "
                               "broke\",\"type\":\"server_error\",\"param\":null,\"code\":null}}\n\n"))
        << body;
    EXPECT_FALSE(body.contains("[DONE]"));
}

TEST_F(ChatCompletionsTest, FirstTokenIsMarkedOnce) {
    for (int round = 0; round < 2; ++round) {
        EXPECT_EQ(count_marks(timeline_, "first token"), round);
        Client client = connected();
        client.post(streamed_chat);
        const auto call = backend_.next();
        ASSERT_TRUE(call.receiver);
        call.text("One");
        call.text("two");
        call.finish();
        client.reply();
        if (round == 0) { continue; }
        EXPECT_EQ(count_marks(timeline_, "first token"), 1);
    }
}

TEST_F(ChatCompletionsTest, RefuseWaitingAnswersAll) {
    Client whole = connected();
    whole.post(chat);
    const auto whole_call = backend_.next();
    Client streamed = connected();
    streamed.post(streamed_chat);
    const auto streamed_call = backend_.next();
    streamed_call.text("One");
    EXPECT_EQ(streamed.head().status, 200);
    on_loop([this] { api_->refuse_waiting(unavailable("no model")); });
    const Reply reply = whole.reply();
    EXPECT_EQ(reply.status, 503);
    EXPECT_EQ(reply.headers.at("Retry-After"), "1");
    EXPECT_EQ(reply.body,
              R"({"error":{"message":"no model","type":"server_error","param":null,"code":null}})");
    EXPECT_TRUE(streamed.chunk().contains("One"));
    EXPECT_TRUE(streamed.chunk().contains("no model"));
    EXPECT_EQ(streamed.chunk(), "");
    EXPECT_TRUE(backend_.wait_cancelled(whole_call.ticket));
    EXPECT_TRUE(backend_.wait_cancelled(streamed_call.ticket));
    // What the engine still says of them is not heard by anyone.
    whole_call.text("too late");
    whole_call.finish(engine::Finish::cancelled);
    whole.get("/live");
    EXPECT_EQ(whole.reply().status, 200);
}

} // namespace

} // namespace vb::http
