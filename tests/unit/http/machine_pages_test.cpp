#include "http/page.h"
#include "server_test.h"

namespace vb::http {

namespace {

class MachinePagesTest : public ServerTest {
  protected:
    Reply get_as(const std::string& target, const std::string& accept) const {
        Client client = connected();
        client.send("GET " + target + " HTTP/1.1\r\nHost: test\r\nAccept: " + accept + "\r\n\r\n");
        return client.reply();
    }
    // The sample that begins like this.
    static std::string sample(const std::string& metrics, const std::string& begin) {
        const std::size_t at = metrics.find("\n" + begin);
        return at == std::string::npos ? "" : metrics.substr(at + 1, metrics.find('\n', at + 1) - at - 1);
    }
};

TEST_F(MachinePagesTest, ABrowserGetsThePageAndCurlGetsWords) {
    const Reply page = get_as("/", "text/html,application/xhtml+xml,*/*;q=0.8");
    EXPECT_EQ(page.status, 200);
    EXPECT_EQ(page.headers.at("Content-Type"), "text/html; charset=utf-8");
    EXPECT_EQ(page.headers.at("Vary"), "Accept");
    EXPECT_TRUE(page.headers.at("Content-Security-Policy").starts_with("default-src 'none'"));
    EXPECT_TRUE(page.body.starts_with("<!doctype html>"));
    EXPECT_EQ(get_as("/", "*/*").headers.at("Content-Type"), "text/plain; charset=utf-8");
}

TEST_F(MachinePagesTest, ThePagesFilesAreServedAndSmall) {
    std::size_t total = 0;
    for (const PageFile& file : page_files()) {
        const Reply reply = get("/page/" + std::string(file.name));
        EXPECT_EQ(reply.status, 200) << file.name;
        EXPECT_EQ(reply.headers.at("Content-Type"), file.content_type);
        EXPECT_EQ(reply.headers.at("X-Content-Type-Options"), "nosniff");
        EXPECT_EQ(reply.body, file.content);
        EXPECT_FALSE(file.content.empty());
        total += file.content.size();
    }
    EXPECT_LT(total, 100'000U);
    EXPECT_EQ(get("/page/other.js").status, 404);
    EXPECT_EQ(get("/page/../page.cpp").status, 404);
}

TEST_F(MachinePagesTest, StatusFollowsTheEngine) {
    backend_.set_state(engine::State::loading);
    Reply status = get("/status");
    EXPECT_EQ(status.headers.at("Content-Type"), "application/json");
    EXPECT_TRUE(status.body.contains(R"("state":"loading","progress":0.5,)")) << status.body;
    EXPECT_TRUE(status.body.contains(R"("information":null)"));

    backend_.set_state(engine::State::ready);
    backend_.set_counters({.held_tokens = 12, .token_room = 2048, .completion_tokens = 99});
    status = get("/status");
    EXPECT_TRUE(status.body.contains(R"("model":"tiny/model","state":"ready")")) << status.body;
    EXPECT_TRUE(status.body.contains(R"("completion":99)"));
    EXPECT_TRUE(status.body.contains(R"("context":{"held":12,"room":2048})"));
    EXPECT_TRUE(status.body.contains(R"("information":{"context":2048,)"));
}

TEST_F(MachinePagesTest, LogLinesAreTold) {
    LogRing lines;
    lines.append(base::Level::info, "one");
    lines.append(base::Level::warning, "two \"quoted\"");
    start({}, {.log_lines = &lines});
    const Reply all = get("/logs");
    EXPECT_EQ(all.status, 200);
    EXPECT_TRUE(all.body.contains(R"("level":"info","text":"one")"));
    EXPECT_TRUE(all.body.contains(R"("level":"warning","text":"two \"quoted\"")"));
    EXPECT_FALSE(get("/logs?after=1").body.contains(R"("one")"));
    EXPECT_EQ(get("/logs?after=x").status, 400);
}

TEST_F(MachinePagesTest, WithoutLinesThereIsNoLog) { EXPECT_EQ(get("/logs").status, 404); }

TEST_F(MachinePagesTest, MetricsCountRequestsByPathAndStatus) {
    get("/live");
    get("/live");
    get("/v1/models/other");
    get("/nowhere/1");
    get("/nowhere/2");
    const Reply reply = get("/metrics");
    EXPECT_EQ(reply.headers.at("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
    const auto requests = [&](const std::string& labels) {
        return sample(reply.body, "vector_boot_requests_total{" + labels + "}");
    };
    EXPECT_TRUE(requests(R"(path="/live",status="200")").ends_with(" 2"));
    EXPECT_TRUE(requests(R"(path="/v1/models/",status="404")").ends_with(" 1"));
    EXPECT_TRUE(requests(R"(path="other",status="404")").ends_with(" 2"))
        << "a series for each path that is tried";
}

TEST_F(MachinePagesTest, MetricsSeeAnAnswer) {
    Client client = connected();
    client.post(streamed_chat);
    const auto call = backend_.next();
    const std::string during = get("/metrics").body;
    EXPECT_EQ(sample(during, "vector_boot_requests_running"), "vector_boot_requests_running 1");
    EXPECT_EQ(sample(during, "vllm:num_requests_running"),
              R"(vllm:num_requests_running{model_name="tiny/model"} 1)");
    call.text("Hel");
    call.text("lo");
    call.finish(engine::Finish::stop, {.prompt_tokens = 7, .cached_tokens = 2, .completion_tokens = 3});
    client.reply();
    const std::string after = get("/metrics").body;
    EXPECT_TRUE(sample(after, "vector_boot_time_to_first_token_seconds_count").ends_with(" 1"));
    EXPECT_TRUE(sample(after, "vector_boot_inter_token_latency_seconds_count").ends_with(" 1"));
    EXPECT_TRUE(sample(after, "vector_boot_cached_tokens_total").ends_with(" 2"));
    EXPECT_TRUE(sample(after, "vector_boot_requests_running").ends_with(" 0"));
}

TEST_F(MachinePagesTest, WhoWaitsIsNotRunning) {
    backend_.set_parallel(1);
    Client first = connected(), second = connected();
    first.post(chat);
    ASSERT_TRUE(backend_.next().receiver);
    second.post(chat);
    ASSERT_TRUE(eventually([this] { return api_->queue().waiting() == 1; }));
    const std::string metrics = get("/metrics").body;
    EXPECT_TRUE(sample(metrics, "vector_boot_requests_running").ends_with(" 1"));
    EXPECT_TRUE(sample(metrics, "vector_boot_requests_waiting").ends_with(" 1"));
    EXPECT_TRUE(sample(metrics, "vllm:num_requests_waiting").ends_with(" 1"));
}

TEST_F(MachinePagesTest, TheContextsUseIsAShare) {
    backend_.set_counters({.held_tokens = 512, .token_room = 2048});
    const std::string metrics = get("/metrics").body;
    EXPECT_EQ(sample(metrics, "vllm:kv_cache_usage_perc"),
              R"(vllm:kv_cache_usage_perc{model_name="tiny/model"} 0.25)");
    EXPECT_EQ(sample(metrics, "vllm:cache_config_info"),
              R"(vllm:cache_config_info{model_name="tiny/model",block_size="16",num_gpu_blocks="128"} 1)");
}

TEST_F(MachinePagesTest, APhaseThatIsOnTheTimelineTwiceIsOneSeries) {
    timeline_.record("load", base::monotonic_now(), base::monotonic_now() + std::chrono::milliseconds(1));
    timeline_.record("load", base::monotonic_now(), base::monotonic_now() + std::chrono::milliseconds(2));
    start({}, {.restarts = 3});
    const std::string metrics = get("/metrics").body;
    const std::string begin = R"(vector_boot_boot_phase_seconds{phase="load"})";
    const std::size_t first = metrics.find(begin);
    ASSERT_NE(first, std::string::npos);
    EXPECT_EQ(metrics.find(begin, first + 1), std::string::npos);
    EXPECT_EQ(sample(metrics, "vector_boot_restarts_total"), "vector_boot_restarts_total 3");
}

} // namespace

} // namespace vb::http
