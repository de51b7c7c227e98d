#include "server_test.h"

namespace vb::http {

namespace {

using RoutesTest = ServerTest;

TEST_F(RoutesTest, OverviewNamesTheRoutes) {
    const Reply reply = get("/");
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.headers.at("Content-Type"), "text/plain; charset=utf-8");
    for (const char* const route : {"/v1/chat/completions", "/v1/models", "/health", "/live", "/timeline"}) {
        EXPECT_TRUE(reply.body.contains(route)) << route;
    }
}

TEST_F(RoutesTest, HealthFollowsTheEngine) {
    backend_.set_state(engine::State::loading);
    const Reply loading = get("/health");
    EXPECT_EQ(loading.status, 503);
    EXPECT_EQ(loading.headers.at("Retry-After"), "1");
    EXPECT_EQ(loading.body, R"({"status":"loading","progress":0.5})");
    EXPECT_EQ(get("/live").status, 200);

    backend_.set_state(engine::State::ready);
    backend_.set_counters({.last_step = base::monotonic_now()});
    const Reply ready = get("/health");
    EXPECT_EQ(ready.status, 200);
    EXPECT_EQ(ready.headers.at("Content-Type"), "application/json");
    EXPECT_EQ(ready.body, R"({"status":"ok"})");

    backend_.set_state(engine::State::failed);
    EXPECT_EQ(get("/health").status, 503);
    EXPECT_EQ(get("/health").body, R"({"status":"failed"})");
}

TEST_F(RoutesTest, ModelsAreListedWhileLoading) {
    backend_.set_state(engine::State::loading);
    const Reply list = get("/v1/models");
    EXPECT_EQ(list.status, 200);
    EXPECT_EQ(
        masked(list.body),
        R"({"object":"list","data":[{"id":"tiny/model","object":"model","created":TIME,"owned_by":"vector_boot"}]})");
    const Reply one = get("/v1/models/tiny%2Fmodel");
    EXPECT_EQ(one.status, 200);
    EXPECT_EQ(masked(one.body),
              R"({"id":"tiny/model","object":"model","created":TIME,"owned_by":"vector_boot"})");
}

TEST_F(RoutesTest, UnknownModelIsNotFound) {
    const Reply reply = get("/v1/models/other");
    EXPECT_EQ(reply.status, 404);
    EXPECT_EQ(
        reply.body,
        R"({"error":{"message":"there is no model 'other'","type":"invalid_request_error","param":"model","code":"model_not_found"}})");
}

TEST_F(RoutesTest, UnknownPathIsNotFoundInOpenAIsShape) {
    const Reply reply = get("/v1/nothing?x=\"1\"");
    EXPECT_EQ(reply.status, 404);
    EXPECT_EQ(reply.headers.at("Content-Type"), "application/json");
    EXPECT_EQ(
        reply.body,
        R"({"error":{"message":"there is nothing at /v1/nothing","type":"invalid_request_error","param":null,"code":"not_found"}})");
}

TEST_F(RoutesTest, WrongMethodNamesTheAllowedOnes) {
    const Reply chat_by_get = get("/v1/chat/completions");
    EXPECT_EQ(chat_by_get.status, 405);
    EXPECT_EQ(chat_by_get.headers.at("Allow"), "POST, OPTIONS");
    Client client = connected();
    client.post("{}", "/health");
    const Reply health_by_post = client.reply();
    EXPECT_EQ(health_by_post.status, 405);
    EXPECT_EQ(health_by_post.headers.at("Allow"), "GET, HEAD, OPTIONS");
    EXPECT_TRUE(health_by_post.body.contains("method_not_allowed"));
}

TEST_F(RoutesTest, OptionsNamesTheMethods) {
    Client client = connected();
    client.send("OPTIONS /v1/chat/completions HTTP/1.1\r\nHost: test\r\n\r\n");
    const Reply reply = client.reply();
    EXPECT_EQ(reply.status, 204);
    EXPECT_EQ(reply.headers.at("Allow"), "POST, OPTIONS");
    EXPECT_EQ(reply.body, "");
}

TEST_F(RoutesTest, HeadIsGetWithoutTheBody) {
    Client client = connected();
    client.send("HEAD /live HTTP/1.1\r\nHost: test\r\n\r\n");
    const Reply head = client.head();
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.headers.at("Content-Length"), "15");
    // The next thing on the connection is the next reply, not a body.
    client.get("/live");
    EXPECT_EQ(client.reply().body, R"({"status":"ok"})");
}

TEST_F(RoutesTest, UnknownMethodEndsTheConnection) {
    Client client = connected();
    client.send("BREW /live HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\ntea");
    EXPECT_EQ(client.reply().status, 405);
    EXPECT_TRUE(client.closed());
}

TEST_F(RoutesTest, ConnectionsAreKept) {
    Client client = connected();
    for (int round = 0; round < 3; ++round) {
        client.get("/live");
        EXPECT_EQ(client.reply().status, 200);
    }
}

TEST_F(RoutesTest, TimelineInThreeFormats) {
    timeline_.mark("a mark");
    const Reply json = get("/timeline");
    EXPECT_EQ(json.status, 200);
    EXPECT_EQ(json.headers.at("Content-Type"), "application/json");
    EXPECT_TRUE(json.body.contains("traceEvents") && json.body.contains("a mark"));
    EXPECT_EQ(get("/timeline?format=json").headers.at("Content-Type"), "application/json");
    const Reply table = get("/timeline?format=table");
    EXPECT_EQ(table.headers.at("Content-Type"), "text/plain; charset=utf-8");
    EXPECT_TRUE(table.body.contains("a mark"));
    const Reply svg = get("/timeline?format=svg");
    EXPECT_EQ(svg.headers.at("Content-Type"), "image/svg+xml");
    EXPECT_TRUE(svg.body.contains("<svg"));
    const Reply wrong = get("/timeline?format=png");
    EXPECT_EQ(wrong.status, 400);
    EXPECT_TRUE(wrong.body.contains(R"("param":"format")"));
}

TEST_F(RoutesTest, NoTimelineIsNotFound) {
    on_loop([this] { timeline_ = trace::Timeline(); });
    EXPECT_EQ(get("/timeline").status, 404);
}

} // namespace

} // namespace vb::http
