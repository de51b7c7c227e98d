// Keys, origins and the log of requests, in front of the real server.
#include "http/access_log.h"
#include "http/entrance.h"
#include "server_test.h"

#include <filesystem>
#include <fstream>

namespace vb::http {

namespace {

class EntranceTest : public ServerTest {
  protected:
    void SetUp() override { ASSERT_NE(::mkdtemp(folder_.data()), nullptr); }
    void TearDown() override {
        if (thread_.joinable()) {
            on_loop([this] { keys_.reset(); });
        } // before the loop that it watches with
        stop();
        std::filesystem::remove_all(folder_);
    }

    // The fixture's server, with an entrance.
    void start_with(std::vector<std::string> origins, bool refuses_foreign, bool with_keys = false) {
        start({});
        on_loop([&] {
            if (with_keys) { keys_ = ApiKeys::open(*loop_, keys_file(), log_).value(); }
            entrance_.emplace(
                [this](Exchange& exchange) {
                    client_ = exchange.client();
                    api_->handle(exchange);
                },
                Origins(std::move(origins), refuses_foreign), keys_.get());
            handle_ = [this](Exchange& exchange) { entrance_->handle(exchange); };
            server_->on_head([this](Exchange& exchange) { return entrance_->admit(exchange); });
        });
    }
    std::string keys_file() const { return folder_ + "/keys"; }
    // As careful programs do it: the file is there whole or not at all.
    void write_keys(const std::string& text) const {
        std::ofstream(keys_file() + ".new") << text;
        std::filesystem::rename(keys_file() + ".new", keys_file());
    }
    Reply ask(const std::string& headers, const std::string& target = "/v1/models",
              const char* method = "GET") {
        Client client = connected();
        client.send(std::string(method) + " " + target + " HTTP/1.1\r\nHost: localhost:8080\r\n" + headers +
                    "\r\n");
        return std::string_view(method) == "HEAD" ? client.head() : client.reply();
    }
    int status(const std::string& headers, const std::string& target = "/v1/models",
               const char* method = "GET") {
        return ask(headers, target, method).status;
    }

    std::string folder_ = "/tmp/vector_boot_keys_XXXXXX";
    std::unique_ptr<ApiKeys> keys_;
    std::optional<Entrance> entrance_;
    std::string client_;
};

TEST_F(EntranceTest, WithoutAKeyOnlyTheHealthIsTold) {
    write_keys("# ours\nsecret-one\n\n  secret-two \r\n");
    start_with({}, false, true);
    const Reply refused = ask("");
    EXPECT_EQ(refused.status, 401);
    EXPECT_EQ(refused.headers.at("WWW-Authenticate"), "Bearer");
    EXPECT_TRUE(refused.body.contains(R"("code":"invalid_api_key")")) << refused.body;
    EXPECT_EQ(status("Authorization: Bearer secret-one\r\n"), 200);
    EXPECT_EQ(client_, "key 1");
    EXPECT_EQ(status("x-api-key: secret-two\r\n"), 200);
    EXPECT_EQ(client_, "key 2");
    for (const char* const wrong :
         {"secret-on", "secret-one2", "", "#", "secret-one secret-two", "SECRET-ONE"}) {
        EXPECT_EQ(status(std::string("Authorization: Bearer ") + wrong + "\r\n"), 401) << wrong;
    }
    EXPECT_EQ(status("Authorization: Basic secret-one\r\n"), 401);
    EXPECT_EQ(status("x-api-key: " + std::string(1000, 'x') + "\r\n"), 401);
    backend_.set_counters({.last_step = base::monotonic_now()}); // the proof that /health wants
    for (const char* const open : {"/", "/health", "/live"}) {
        EXPECT_EQ(status("", open), 200) << open;
        EXPECT_EQ(status("", open, "HEAD"), 200) << open;
    }
    EXPECT_EQ(client_, "127.0.0.1");
    for (const char* const closed : {"/timeline", "/nothing", "/health/", "//"}) {
        EXPECT_EQ(status("", closed), 401) << closed;
    }
    EXPECT_EQ(status("", "/health", "POST"), 401);
}

TEST_F(EntranceTest, TheBodyOfAStrangerIsNotWaitedFor) {
    write_keys("secret");
    start_with({}, false, true);
    const std::string head = "POST /tokenize HTTP/1.1\r\nHost: t\r\nContent-Length: 16\r\n";
    Client stranger = connected();
    stranger.send(head + "Expect: 100-continue\r\n\r\n{");
    const Reply refused = stranger.reply();
    EXPECT_EQ(refused.status, 401);
    EXPECT_EQ(refused.headers.at("Connection"), "close");
    EXPECT_EQ(refused.headers.at("WWW-Authenticate"), "Bearer");
    EXPECT_TRUE(stranger.closed());
    EXPECT_TRUE(eventually([this] { return server_->open_exchanges() == 0; }));
    for (const char* const body : {"Content-Length: 4000000", "Transfer-Encoding: chunked"}) {
        Client reader = connected();
        reader.send(std::string("GET / HTTP/1.1\r\nHost: t\r\n") + body + "\r\n\r\n");
        EXPECT_EQ(reader.reply().status, 401) << body;
    }

    Client known = connected();
    known.send(head + "x-api-key: secret\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(known.head().status, 100);
    known.send(R"({"content":"Hi"})");
    EXPECT_EQ(known.reply().status, 200);
    EXPECT_EQ(client_, "key 1");
}

TEST_F(EntranceTest, ChangedKeysAreUsedAtOnceAndFaultyOnesNever) {
    write_keys("old");
    start_with({}, false, true);
    const auto comes_to = [this](const char* key, int expected) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (status(std::string("x-api-key: ") + key + "\r\n") != expected) {
            if (std::chrono::steady_clock::now() > end) { return false; }
        }
        return true;
    };
    EXPECT_EQ(status("x-api-key: old\r\n"), 200);
    write_keys("new");
    EXPECT_TRUE(comes_to("old", 401));
    EXPECT_EQ(status("x-api-key: new\r\n"), 200);
    write_keys("two words\n");
    write_keys("# none\n");
    std::filesystem::remove(keys_file());
    EXPECT_EQ(status("x-api-key: new\r\n"), 200);
    write_keys("newest");
    EXPECT_TRUE(comes_to("newest", 200));
    EXPECT_EQ(status("x-api-key: new\r\n"), 401);
}

TEST_F(EntranceTest, FaultyKeysAreToldByLine) {
    const auto fault = [](const std::string& text) {
        const auto keys = ApiKeys::parse(text, "k");
        return keys ? std::string() : std::string(keys.error().detail.view());
    };
    EXPECT_EQ(fault("a\nb"), "");
    EXPECT_TRUE(fault("").contains("none"));
    EXPECT_TRUE(fault("a\nb c").contains("line 2"));
    EXPECT_TRUE(fault(std::string("a\0b", 3)).contains("line 1"));
    EXPECT_TRUE(fault(std::string(257, 'x')).contains("line 1"));
    EXPECT_EQ(fault(std::string(256, 'x')), "");
    auto loop = EventLoop::create().value();
    EXPECT_FALSE(ApiKeys::open(loop, folder_ + "/nothing", log_));
    EXPECT_FALSE(ApiKeys::open(loop, folder_, log_));
}

TEST_F(EntranceTest, OnlyListedOriginsAreLetIn) {
    start_with({"https://one.example", "http://two.example:81"}, false);
    const Reply listed = ask("Origin: http://two.example:81\r\n");
    EXPECT_EQ(listed.status, 200);
    EXPECT_EQ(listed.headers.at("Access-Control-Allow-Origin"), "http://two.example:81");
    EXPECT_EQ(listed.headers.at("Vary"), "Origin");
    for (const char* const other : {"http://one.example", "https://one.example.evil", "null", "*"}) {
        const Reply reply = ask(std::string("Origin: ") + other + "\r\n");
        EXPECT_EQ(reply.status, 200);
        EXPECT_FALSE(reply.headers.contains("Access-Control-Allow-Origin")) << other;
        EXPECT_EQ(reply.headers.at("Vary"), "Origin");
    }
    const Reply preflight = ask("Origin: https://one.example\r\nAccess-Control-Request-Method: POST\r\n"
                                "Access-Control-Request-Headers: content-type, x-stainless-os\r\n",
                                "/v1/chat/completions", "OPTIONS");
    EXPECT_EQ(preflight.status, 204);
    EXPECT_EQ(preflight.headers.at("Access-Control-Allow-Headers"), "content-type, x-stainless-os");
    EXPECT_TRUE(preflight.headers.at("Access-Control-Allow-Methods").contains("POST"));
}

TEST_F(EntranceTest, APreflightNeedsNoKey) {
    write_keys("k");
    start_with({"https://one.example"}, false, true);
    const std::string preflight = "Origin: https://one.example\r\nAccess-Control-Request-Method: GET\r\n";
    EXPECT_EQ(status(preflight, "/v1/models", "OPTIONS"), 204);
    EXPECT_EQ(status("Origin: https://one.example\r\n"), 401);
    EXPECT_EQ(status("Origin: https://two.example\r\nAccess-Control-Request-Method: GET\r\n", "/v1/models",
                     "OPTIONS"),
              401);
}

TEST_F(EntranceTest, WithoutCrossOriginAccessNothingIsSaidOfIt) {
    start_with({}, true);
    const Reply plain = ask("");
    EXPECT_FALSE(plain.headers.contains("Vary") || plain.headers.contains("Access-Control-Allow-Origin"));
    EXPECT_EQ(status("Origin: http://localhost:8080\r\n"), 200) << "its own page";
    for (const char* const foreign : {"http://evil.example", "https://localhost.evil.example", "null",
                                      "http://localhost:3000", "http://127.evil.example", "http://"}) {
        const Reply reply = ask(std::string("Origin: ") + foreign + "\r\n");
        EXPECT_EQ(reply.status, 403) << foreign;
        EXPECT_TRUE(reply.body.contains("origin_not_allowed"));
    }
    // A name that was made to mean this machine.
    Client rebound = connected();
    rebound.send("POST /v1/chat/completions HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example\r\n"
                 "Content-Length: 2\r\n\r\n{}");
    EXPECT_EQ(rebound.reply().status, 403);
}

TEST(OriginsTest, WhatIsAnOrigin) {
    for (const char* const right : {"http://a", "https://a.example:8443", "http://[::1]:80"}) {
        EXPECT_TRUE(Origins::is_origin(right)) << right;
    }
    for (const char* const wrong :
         {"*", "", "http://", "http://a/", "ftp://a", "a.example", "http://A", "http://a b"}) {
        EXPECT_FALSE(Origins::is_origin(wrong)) << wrong;
    }
}

class NoChannel final : public ReplyChannel {
  public:
    bool write(std::string_view) override { return true; }
    void end() override {}
    void drop() override {}
};

TEST(AccessLogTest, ALineIsJsonWhateverTheClientSends) {
    NoChannel channel;
    Request request;
    request.method = Method::post;
    request.method_name = "POST";
    request.target = "/v1/chat?key=hidden";
    request.headers = {{"User-Agent", "a\"b\\c\x01\xFF" + std::string(500, 'x')}, {"X-Request-Id", "id-1"}};
    request.body = "a prompt";
    Exchange exchange(std::move(request), channel, "::1", std::chrono::seconds(1));
    exchange.note({.prompt = 5, .completion = 7});
    exchange.reply(200, "text/plain", "hello");
    const std::string line = access_line(exchange, std::chrono::milliseconds(1250), {});
    EXPECT_EQ(line,
              R"({"time":"1970-01-01T00:00:00.000Z","request_id":"id-1","client":"::1","method":"POST",)"
              R"("path":"/v1/chat","status":200,"bytes":5,"milliseconds":250,"complete":true,)"
              R"("prompt_tokens":5,"completion_tokens":7,"user_agent":"a\"b\\c??)" +
                  std::string(93, 'x') + "\"}");
}

TEST(AccessLogTest, ALineFitsIntoTheLog) {
    NoChannel channel;
    Request request;
    request.target = "/" + std::string(4000, '"');
    request.headers = {{"User-Agent", std::string(4000, '\\')}, {"X-Request-Id", std::string(64, 'i')}};
    Exchange exchange(std::move(request), channel, std::string(1000, '"'), {});
    exchange.set_client(std::string(64, '"'));
    const std::string line = access_line(exchange, std::chrono::hours(100'000), {});
    EXPECT_LT(line.size(), 1024U);
    EXPECT_TRUE(line.ends_with("\"}"));
}

} // namespace

} // namespace vb::http
