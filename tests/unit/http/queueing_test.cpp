// The queue seen by clients.
#include "server_test.h"

namespace vb::http {

namespace {

using QueueingTest = ServerTest;

constexpr char two_answers[] = R"({"messages":[{"role":"user","content":"Hi"}],"n":2})";

TEST_F(QueueingTest, TheEngineGetsNoMoreThanItComputesAtOnce) {
    backend_.set_parallel(1);
    start({.queue = 8});
    std::vector<Client> clients;
    for (int count = 0; count < 4; ++count) {
        clients.push_back(connected());
        clients.back().post(chat);
    }
    for (int count = 0; count < 4; ++count) {
        const auto call = backend_.next();
        ASSERT_TRUE(call.receiver);
        EXPECT_EQ(on_loop([this] { return api_->queue().running(); }), 1U);
        call.text("one");
        call.finish();
    }
    for (Client& client : clients) {
        EXPECT_EQ(client.reply().status, 200);
    }
}

TEST_F(QueueingTest, MoreThanThereIsRoomForIsRefusedWith429) {
    backend_.set_parallel(1);
    start({.queue = 1});
    Client first = connected();
    first.post(chat);
    const auto call = backend_.next();
    Client second = connected();
    second.post(two_answers); // counts twice
    const Reply refused = second.reply();
    EXPECT_EQ(refused.status, 429);
    EXPECT_EQ(refused.headers.at("Retry-After"), "1");
    EXPECT_EQ(
        refused.body,
        R"({"error":{"message":"the queue is full","type":"requests","param":null,"code":"rate_limit_exceeded"}})");
    second.post(chat);
    EXPECT_TRUE(second.silent(50));
    Client third = connected();
    third.post(R"({"input":"a"})", "/v1/embeddings");
    EXPECT_EQ(third.reply().status, 429);
    call.finish();
    EXPECT_EQ(first.reply().status, 200);
    backend_.next().finish();
    EXPECT_EQ(second.reply().status, 200);
}

TEST_F(QueueingTest, WhoWaitsTooLongIsRefusedWith503) {
    backend_.set_parallel(1);
    start({.queue_timeout = std::chrono::milliseconds(20)});
    Client first = connected();
    first.post(chat);
    const auto call = backend_.next();
    Client second = connected();
    second.post(chat);
    const Reply refused = second.reply();
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(refused.headers.at("Retry-After"), "1");
    EXPECT_TRUE(refused.body.contains("waited 20 ms")) << refused.body;
    call.finish(); // what runs is not hurried
    EXPECT_EQ(first.reply().status, 200);
}

TEST_F(QueueingTest, WhileTheModelLoadsNobodyWaitsLonger) {
    backend_.set_state(engine::State::loading);
    start({.queue_timeout = std::chrono::milliseconds(20)});
    Client client = connected();
    client.post(chat);
    const auto call = backend_.next();
    EXPECT_EQ(client.reply().status, 503);
    EXPECT_TRUE(backend_.wait_cancelled(call.ticket));
    call.finish(engine::Finish::cancelled);
    EXPECT_EQ(on_loop([this] { return api_->queue().running(); }), 0U);
}

TEST_F(QueueingTest, WhoGoesAwayWhileWaitingNeverReachesTheEngine) {
    backend_.set_parallel(1);
    start({});
    Client first = connected();
    first.post(chat);
    const auto call = backend_.next();
    Client second = connected();
    second.post(R"({"messages":[{"role":"user","content":"gone"}]})");
    Client third = connected();
    third.post(R"({"messages":[{"role":"user","content":"here"}]})");
    ASSERT_TRUE(eventually([this] { return api_->queue().waiting() >= 2; }));
    second.close();
    ASSERT_TRUE(eventually([this] { return api_->queue().waiting() != 2; }));
    call.finish();
    EXPECT_EQ(first.reply().status, 200);
    const auto next = backend_.next();
    ASSERT_TRUE(next.receiver);
    EXPECT_TRUE(std::get<engine::Messages>(next.request.prompt).json.contains("here"));
    next.finish();
    EXPECT_EQ(third.reply().status, 200);
}

TEST_F(QueueingTest, WhoGoesAwayWhileComputedKeepsThePlaceUntilTheEngineLetsGo) {
    backend_.set_parallel(1);
    start({});
    Client first = connected();
    first.post(chat);
    const auto call = backend_.next();
    Client second = connected();
    second.post(chat);
    first.close();
    EXPECT_TRUE(backend_.wait_cancelled(call.ticket));
    EXPECT_EQ(on_loop([this] { return api_->queue().running(); }), 1U);
    call.finish(engine::Finish::cancelled);
    backend_.next().finish();
    EXPECT_EQ(second.reply().status, 200);
}

TEST_F(QueueingTest, TheTimeOfARequestIsTheEnginesDeadline) {
    start({.request_timeout = std::chrono::minutes(5)});
    Client client = connected();
    client.post(chat);
    const auto call = backend_.next();
    ASSERT_TRUE(call.request.deadline);
    EXPECT_GT(*call.request.deadline, base::monotonic_now());
    // What there is by then is an answer that was cut off.
    call.text("so far");
    call.finish(engine::Finish::deadline);
    const Reply reply = client.reply();
    EXPECT_EQ(reply.status, 200);
    EXPECT_TRUE(reply.body.contains("so far") && reply.body.contains(R"("finish_reason":"length")"));
    client.post(chat);
    backend_.next().finish(engine::Finish::deadline);
    const Reply late = client.reply();
    EXPECT_EQ(late.status, 504);
    EXPECT_TRUE(late.body.contains(R"("code":"timeout")")) << late.body;
}

TEST_F(QueueingTest, OneThatFailsOfSeveralEndsTheOthers) {
    Client client = connected();
    client.post(two_answers);
    const auto first = backend_.next();
    const auto second = backend_.next();
    ASSERT_TRUE(first.receiver && second.receiver);
    second.fail(engine::Fault::too_long, "it is too long");
    const Reply refused = client.reply();
    EXPECT_EQ(refused.status, 400);
    EXPECT_TRUE(refused.body.contains(R"("param":"messages","code":"context_length_exceeded")"))
        << refused.body;
    EXPECT_TRUE(backend_.wait_cancelled(first.ticket));
}

TEST_F(QueueingTest, RepliesInFlightAtTheEndAreTheLastOnTheirConnections) {
    Client client = connected();
    client.post(chat);
    const auto call = backend_.next();
    ASSERT_TRUE(call.receiver);
    on_loop([this] { api_->end_connections(); });
    call.finish();
    const Reply reply = client.reply();
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.headers.at("Connection"), "close");
    EXPECT_TRUE(client.closed());
}

} // namespace

} // namespace vb::http
