#include "server_test.h"

#include <ctime>
#include <fcntl.h>
#include <sys/resource.h>

namespace vb::http {

namespace {

using RobustnessTest = ServerTest;

TEST_F(RobustnessTest, DisconnectWhileWaitingCancels) {
    Client client = connected();
    client.post(chat);
    const auto call = backend_.next();
    ASSERT_TRUE(call.receiver);
    client.close();
    EXPECT_TRUE(backend_.wait_cancelled(call.ticket));
    call.finish(engine::Finish::cancelled);
    EXPECT_EQ(get("/live").status, 200);
    EXPECT_EQ(on_loop([this] { return server_->open_exchanges(); }), 0U);
}

TEST_F(RobustnessTest, DisconnectWhileStreamingCancels) {
    Client client = connected();
    client.post(streamed_chat);
    const auto call = backend_.next();
    ASSERT_TRUE(call.receiver);
    call.text("One");
    EXPECT_EQ(client.head().status, 200);
    client.close();
    EXPECT_TRUE(backend_.wait_cancelled(call.ticket));
    EXPECT_EQ(get("/live").status, 200);
}

TEST_F(RobustnessTest, PipelinedRequestsAreAnsweredInOrder) {
    Client client = connected();
    client.post(chat);
    const auto call = backend_.next();
    ASSERT_TRUE(call.receiver);
    client.get("/live");
    EXPECT_TRUE(client.silent(50));
    call.text("first");
    call.finish();
    EXPECT_TRUE(client.reply().body.contains("first"));
    EXPECT_EQ(client.reply().body, R"({"status":"ok"})");
}

TEST_F(RobustnessTest, ClientThatDoesNotReadIsCutOffAndDisturbsNobody) {
    start({.pending_output = 64 << 10});
    Client stalled = connected();
    stalled.post(streamed_chat);
    const auto call = backend_.next();
    ASSERT_TRUE(call.receiver);
    const std::string piece(32 << 10, 'x');
    constexpr int pieces = 1024; // 32 MiB: more than the kernel's buffers take
    for (int count = 0; count < pieces; ++count) {
        call.text(piece);
    }
    EXPECT_EQ(get("/live").status, 200);
    EXPECT_TRUE(backend_.wait_cancelled(call.ticket));
    EXPECT_LT(stalled.drain().size(), std::size_t{pieces} * piece.size());
    EXPECT_EQ(on_loop([this] { return server_->open_exchanges(); }), 0U);
}

TEST_F(RobustnessTest, OversizeBodyIsRefused) {
    start({.body = 1000});
    Client within = connected();
    within.post(std::string(1000, ' '));
    EXPECT_EQ(within.reply().status, 400); // read, and found not to be JSON
    Client over = connected();
    over.post(std::string(1001, ' '));
    EXPECT_EQ(over.reply().status, 413);
    Client chunked = connected();
    chunked.send("POST /v1/chat/completions HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "FFFFFFF\r\n");
    EXPECT_EQ(chunked.reply().status, 413);
}

TEST_F(RobustnessTest, StatedSizesAreNotTrusted) {
    Client huge = connected();
    huge.send(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: t\r\nContent-Length: 9223372036854775807\r\n\r\n{}");
    Client negative = connected();
    negative.send("POST /v1/chat/completions HTTP/1.1\r\nHost: t\r\nContent-Length: -1\r\n\r\n{}");
    EXPECT_EQ(negative.reply().status, 400);
    EXPECT_EQ(get("/live").status, 200);
}

TEST_F(RobustnessTest, HeadersAreLimited) {
    Client client = connected();
    client.send("GET /live HTTP/1.1\r\nHost: t\r\nX: " + std::string(40 << 10, 'x') + "\r\n\r\n");
    EXPECT_EQ(client.reply().status, 431);
}

TEST_F(RobustnessTest, NoiseIsRefused) {
    Client client = connected();
    client.send(std::string("\x16\x03\x01\x02\0\x01", 6) + "\r\n\r\n");
    EXPECT_EQ(client.reply().status, 400);
    EXPECT_EQ(get("/live").status, 200);
}

TEST_F(RobustnessTest, OnlyIdleConnectionsTimeOut) {
    start({.idle = std::chrono::seconds(1), .body_time = std::chrono::seconds(1)});
    Client waiting = connected();
    waiting.post(chat);
    const auto call = backend_.next();
    ASSERT_TRUE(call.receiver);
    const Client idle = connected();
    Client slow = connected();
    slow.send("POST /v1/chat/completions HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\n{");
    EXPECT_TRUE(idle.closed());
    EXPECT_EQ(slow.reply().status, 408);
    EXPECT_TRUE(slow.closed());
    EXPECT_TRUE(waiting.silent(200));
    call.text("patience");
    call.finish();
    EXPECT_TRUE(waiting.reply().body.contains("patience"));
    EXPECT_TRUE(waiting.closed()); // idle from now on
}

TEST_F(RobustnessTest, StoppingFinishesWhatIsThere) {
    Client kept = connected();
    kept.get("/live");
    EXPECT_EQ(kept.reply().status, 200);
    Client waiting = connected();
    waiting.post(chat);
    const auto call = backend_.next();
    ASSERT_TRUE(call.receiver);
    std::promise<void> idle;
    on_loop([&] {
        server_->on_idle([&idle, this] {
            server_->on_idle(nullptr);
            idle.set_value();
        });
        server_->stop_accepting();
    });
    kept.get("/live");
    const Reply refused = kept.reply();
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(refused.headers.at("Connection"), "close");
    EXPECT_TRUE(kept.closed());
    Client late = connected(); // the kernel takes it into the backlog
    late.get("/live");
    EXPECT_TRUE(late.silent(50));
    call.text("done");
    call.finish();
    EXPECT_TRUE(waiting.reply().body.contains("done"));
    EXPECT_EQ(idle.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
}

TEST_F(RobustnessTest, WithoutDescriptorsClientsWait) {
    Client client(port_);
    client.connect();
    client.get("/live");
    EXPECT_EQ(client.reply().status, 200);
    Client later(port_);
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    const base::UniqueFd highest(::fcntl(0, F_DUPFD_CLOEXEC, 0));
    const rlimit none_left{.rlim_cur = static_cast<rlim_t>(highest.get()), .rlim_max = limit.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none_left), 0);
    later.connect();
    later.get("/live");
    const std::clock_t before = std::clock();
    EXPECT_TRUE(later.silent(300));
    // The socket is readable all the time: the loop must not spin on it.
    EXPECT_LT(std::clock() - before, CLOCKS_PER_SEC / 20);
    client.get("/live"); // the loop turns
    EXPECT_EQ(client.reply().status, 200);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    EXPECT_EQ(later.reply().status, 200);
}

TEST_F(RobustnessTest, EndingWithOpenConnectionsLeavesNothing) {
    Client waiting = connected();
    waiting.post(chat);
    const auto call = backend_.next();
    Client streaming = connected();
    streaming.post(streamed_chat);
    const auto streaming_call = backend_.next();
    streaming_call.text("One");
    EXPECT_EQ(streaming.head().status, 200);
    stop();
    EXPECT_TRUE(waiting.closed());
    EXPECT_TRUE(backend_.wait_cancelled(call.ticket));
    EXPECT_TRUE(backend_.wait_cancelled(streaming_call.ticket));
}

} // namespace

} // namespace vb::http
