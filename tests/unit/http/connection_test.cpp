// What one connection does with its client, beyond requests that are in order.
#include "server_test.h"

#include <filesystem>
#include <sys/resource.h>

namespace vb::http {

namespace {

class ConnectionTest : public ServerTest {
  protected:
    Reply raw(std::string_view bytes) const {
        Client client = connected();
        client.send(bytes);
        return client.reply();
    }
};

constexpr char live[] = "GET /live HTTP/1.1\r\nHost: t\r\n\r\n";
constexpr char live_body[] = R"({"status":"ok"})";

TEST_F(ConnectionTest, FaultsAreToldInOpenAIsShapeAndEndTheConnection) {
    const std::pair<std::string, int> cases[] = {
        {"GET /live\r\n\r\n", 505},
        {"GET /live HTTP/2.0\r\nHost: t\r\n\r\n", 505},
        {"GET /%zz HTTP/1.1\r\nHost: t\r\n\r\n", 400},
        {"GET /live HTTP/1.1\r\n\r\n", 400},
        {"GET /" + std::string(9000, 'x') + " HTTP/1.1\r\nHost: t\r\n\r\n", 414},
        {"GET / HTTP/1.1\r\nHost: t\r\nX: " + std::string(40000, 'x') + "\r\n\r\n", 431},
        {"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 99999999\r\n\r\n", 413},
        {"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\nExpect: tea\r\n\r\n", 417},
        {"POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
        {"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"BREW / HTTP/1.1\r\nHost: t\r\n\r\n", 405},
        {"\x16\x03\x01\x02", 400},
        {"GET /live HTTP/1.1\r\nHost: t\r\n\r\nnoise", 200}, // and then 405
    };
    for (const auto& [bytes, status] : cases) {
        Client client = connected();
        client.send(bytes);
        Reply reply = client.reply();
        EXPECT_EQ(reply.status, status) << bytes.substr(0, 80);
        if (status == 200) { reply = client.reply(); }
        EXPECT_EQ(reply.headers.at("Content-Type"), "application/json");
        EXPECT_EQ(reply.headers.at("Connection"), "close");
        EXPECT_TRUE(reply.body.starts_with(R"({"error":{"message":")")) << reply.body;
        EXPECT_TRUE(client.closed());
    }
    EXPECT_EQ(get("/live").status, 200);
    EXPECT_EQ(on_loop([this] { return server_->open_exchanges(); }), 0U);
}

TEST_F(ConnectionTest, AnErrorReachesAClientThatIsStillSending) {
    Client client = connected();
    client.post(std::string(6 << 20, ' '));
    EXPECT_EQ(client.reply().status, 413);
}

TEST_F(ConnectionTest, ManyRequestsInOnePacket) {
    constexpr int count = 100;
    std::string bytes;
    for (int number = 0; number < count; ++number) {
        bytes += live;
    }
    Client client = connected();
    client.send(bytes);
    for (int number = 0; number < count; ++number) {
        EXPECT_EQ(client.reply().body, live_body);
    }
}

TEST_F(ConnectionTest, ARequestInPieces) {
    Client client = connected();
    for (const char byte : std::string_view(live)) {
        client.send(std::string_view(&byte, 1));
    }
    EXPECT_EQ(client.reply().body, live_body);
}

TEST_F(ConnectionTest, TheBodyIsAskedForWhereTheClientWaits) {
    Client client = connected();
    client.send("POST /live HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(client.head().status, 100);
    client.send("{}");
    EXPECT_EQ(client.reply().status, 405);
    client.send("POST /live HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n{}");
    EXPECT_EQ(client.reply().status, 405) << "the body had come by itself";
}

TEST_F(ConnectionTest, OldClients) {
    Client once = connected();
    once.send("GET /live HTTP/1.0\r\n\r\n");
    EXPECT_EQ(once.reply().body, live_body);
    EXPECT_TRUE(once.closed());
    Client kept = connected();
    for (int round = 0; round < 2; ++round) {
        kept.send("GET /live HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        const Reply reply = kept.reply();
        EXPECT_EQ(reply.headers.at("Connection"), "keep-alive");
        EXPECT_EQ(reply.body, live_body);
    }
}

TEST_F(ConnectionTest, AClientThatHasSentAllStillGetsItsReply) {
    Client simple = connected();
    simple.get("/live");
    simple.end_sending();
    EXPECT_EQ(simple.reply().body, live_body);
    EXPECT_TRUE(simple.closed());

    Client waiting = connected();
    waiting.post(chat);
    waiting.end_sending();
    const auto call = backend_.next();
    ASSERT_TRUE(call.receiver);
    EXPECT_EQ(waiting.head().status, 100); // which is how the server sees that it has not gone
    EXPECT_TRUE(waiting.silent(50));
    call.text("late");
    call.finish();
    EXPECT_TRUE(waiting.reply().body.contains("late"));
    EXPECT_TRUE(waiting.closed());

    Client torn = connected();
    torn.send("GET /live HTTP/1.1\r\nHo");
    torn.end_sending();
    EXPECT_EQ(torn.reply().status, 400);
}

TEST_F(ConnectionTest, AClientThatGoesIsNoticedWhateverItHadSent) {
    // Nothing, a little, and more than the kernel keeps.
    for (const std::size_t size : {std::size_t{0}, std::size_t{100}, std::size_t{2} << 20}) {
        for (const bool aborts : {false, true}) {
            Client client = connected();
            client.post(chat);
            const auto call = backend_.next();
            ASSERT_TRUE(call.receiver);
            client.send(std::string(size, 'x'));
            if (aborts) {
                client.abort();
            } else {
                client.close();
            }
            EXPECT_TRUE(backend_.wait_cancelled(call.ticket)) << size << aborts;
        }
    }
    EXPECT_EQ(on_loop([this] { return server_->open_exchanges(); }), 0U);
}

TEST_F(ConnectionTest, AHalfClosedClientThatGoesIsNoticed) {
    Client client = connected();
    client.post(chat);
    const auto call = backend_.next();
    client.end_sending();
    EXPECT_EQ(client.head().status, 100);
    client.abort();
    EXPECT_TRUE(backend_.wait_cancelled(call.ticket));
}

TEST_F(ConnectionTest, AStreamGoesOnForAClientThatHasSentAll) {
    Client client = connected();
    client.post(streamed_chat);
    const auto call = backend_.next();
    ASSERT_TRUE(call.receiver);
    call.text("One");
    EXPECT_EQ(client.head().status, 200);
    EXPECT_TRUE(client.chunk().contains("One"));
    client.end_sending();
    EXPECT_FALSE(client.silent(10'000)); // a zero, of the next chunk's length
    call.text("Two");
    EXPECT_TRUE(client.chunk().contains("Two"));
    call.finish();
    EXPECT_TRUE(client.chunk().ends_with("data: [DONE]\n\n"));
    EXPECT_TRUE(client.chunk().empty());
    EXPECT_TRUE(client.closed());
}

TEST_F(ConnectionTest, WhatIsSentAheadIsBounded) {
    start({.body = 1000, .headers = 1000});
    Client client = connected();
    client.post(chat);
    const auto call = backend_.next();
    ASSERT_TRUE(call.receiver);
    client.send(std::string(3000, 'x'));
    EXPECT_TRUE(backend_.wait_cancelled(call.ticket));
}

TEST_F(ConnectionTest, AHeadMustComeInTime) {
    start({.head_time = std::chrono::seconds(1)});
    Client client = connected();
    client.send("GET /live HTTP/1.1\r\nHost: t\r\n");
    while (client.silent(50)) { // never idle for long, and never ready
        client.send("X: y\r\n");
    }
    const Reply reply = client.reply();
    EXPECT_EQ(reply.status, 408);
    EXPECT_TRUE(reply.body.starts_with(R"({"error":)"));
}

TEST_F(ConnectionTest, AClientThatTakesNothingIsLeft) {
    start({.pending_output = std::size_t{256} << 20, .idle = std::chrono::seconds(1)});
    Client client = connected();
    client.post(streamed_chat);
    const auto call = backend_.next();
    ASSERT_TRUE(call.receiver);
    call.text(std::string(32 << 20, 'x')); // more than the kernel's buffers take
    EXPECT_TRUE(backend_.wait_cancelled(call.ticket));
}

TEST_F(ConnectionTest, BeyondTheLimitClientsWait) {
    start({.connections = 2});
    Client first = connected();
    Client second = connected();
    first.get("/live");
    second.get("/live");
    EXPECT_EQ(first.reply().status, 200);
    EXPECT_EQ(second.reply().status, 200);
    Client third = connected();
    third.get("/live");
    EXPECT_TRUE(third.silent(50));
    first.close();
    EXPECT_EQ(third.reply().status, 200);
}

TEST_F(ConnectionTest, RequestsHaveIdentifiers) {
    const std::string given =
        raw("GET /live HTTP/1.1\r\nHost: t\r\nX-Request-Id: my-1.2_3\r\n\r\n").headers.at("X-Request-Id");
    EXPECT_EQ(given, "my-1.2_3");
    const std::string wrong =
        raw("GET /live HTTP/1.1\r\nHost: t\r\nX-Request-Id: a b\r\n\r\n").headers.at("X-Request-Id");
    const std::string made = get("/live").headers.at("X-Request-Id");
    const testing::Matcher<const std::string&> one_of_ours = testing::MatchesRegex("req-[0-9a-f]{24}");
    EXPECT_TRUE(one_of_ours.Matches(made)) << made;
    EXPECT_TRUE(one_of_ours.Matches(wrong)) << wrong;
    EXPECT_NE(made, wrong);
    EXPECT_TRUE(raw("noise").headers.contains("X-Request-Id"));
}

std::size_t threads() {
    const std::filesystem::directory_iterator tasks("/proc/self/task");
    return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

TEST_F(ConnectionTest, ThousandsOfStreamsNeedNoThreads) {
    constexpr std::size_t count = 2000;
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    const rlimit most{.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &most), 0);
    if (most.rlim_cur < 2 * count + 100) { GTEST_SKIP() << "too few descriptors are allowed"; }
    start({});
    backend_.set_parallel(count);
    const std::size_t before = threads();
    std::vector<Client> clients;
    std::vector<ScriptedBackend::Call> calls;
    for (std::size_t number = 0; number < count; ++number) {
        clients.push_back(connected());
        clients.back().post(streamed_chat);
        calls.push_back(backend_.next());
        ASSERT_TRUE(calls.back().receiver);
        calls.back().text("One");
    }
    for (Client& client : clients) {
        EXPECT_EQ(client.head().status, 200);
    }
    EXPECT_EQ(on_loop([this] { return server_->open_exchanges(); }), count);
    EXPECT_EQ(threads(), before);
    EXPECT_EQ(get("/live").status, 200);
    for (const auto& call : calls) {
        call.finish();
    }
    for (Client& client : clients) {
        std::string text;
        for (std::string piece = client.chunk(); !piece.empty(); piece = client.chunk()) {
            text += piece;
        }
        EXPECT_TRUE(text.contains("One") && text.ends_with("data: [DONE]\n\n"));
    }
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
}

} // namespace

} // namespace vb::http
