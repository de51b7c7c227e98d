#include "http/health.h"

#include "server_test.h"

namespace vb::http {

namespace {

using namespace std::chrono_literals;

// Every request is one for health, with limits of the test's own: the API's are those of a machine.
class HealthTest : public ServerTest {
  protected:
    void SetUp() override { limit({}); }
    void TearDown() override {
        on_loop([this] { health_.reset(); });
        ServerTest::TearDown();
    }

    void limit(const Health::Limits& limits) {
        if (health_) {
            on_loop([this] { health_.reset(); });
        }
        start({});
        on_loop([&] {
            health_ = std::make_unique<Health>(*loop_, *mailbox_, backend_, limits);
            handle_ = [this](Exchange& exchange) { health_->answer(exchange); };
        });
    }

    std::unique_ptr<Health> health_;
};

TEST_F(HealthTest, AnIdleEngineIsAskedForOneToken) {
    Client client = connected();
    client.get("/");
    const auto call = backend_.next();
    ASSERT_TRUE(call.receiver);
    EXPECT_EQ(std::get<engine::Tokens>(call.request.prompt).size(), 1U);
    EXPECT_EQ(call.request.max_tokens, 1U);
    EXPECT_TRUE(client.silent(20)) << "it was healthy without proof";
    call.finish();
    const Reply reply = client.reply();
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, R"({"status":"ok"})");
}

TEST_F(HealthTest, ManyAskOnce) {
    limit({.idle = 1h});
    std::vector<Client> clients;
    for (int count = 0; count < 8; ++count) {
        clients.push_back(connected());
        clients.back().get("/");
    }
    backend_.next().finish();
    for (Client& client : clients) {
        EXPECT_EQ(client.reply().status, 200);
    }
    EXPECT_EQ(get("/").status, 200) << "what was proven is proven for a while";
    EXPECT_EQ(backend_.submitted(), 1U);
}

TEST_F(HealthTest, AWedgedEngineIsStuck) {
    limit({.probe = 20ms});
    const Reply reply = get("/");
    EXPECT_EQ(reply.status, 503);
    EXPECT_EQ(reply.headers.at("Retry-After"), "1");
    EXPECT_TRUE(reply.body.starts_with(
        R"({"status":"stuck","reason":"a token that was asked for has not come","seconds":)"))
        << reply.body;
    EXPECT_EQ(get("/").status, 503);
    EXPECT_EQ(backend_.submitted(), 1U) << "a stuck engine is not asked again and again";
    EXPECT_TRUE(on_loop([this] { return health_->is_stuck(); }));

    const auto call = backend_.next();
    call.finish(); // it comes back
    EXPECT_FALSE(on_loop([this] { return health_->is_stuck(); }));
    EXPECT_EQ(get("/").status, 200);
}

TEST_F(HealthTest, AnEngineThatComputesIsNotAsked) {
    backend_.set_counters({.running = 1, .last_step = base::monotonic_now() - 3s});
    EXPECT_EQ(get("/").status, 200);
    EXPECT_EQ(backend_.submitted(), 0U);
}

TEST_F(HealthTest, ABusyEngineThatComputesNothingIsStuck) {
    limit({.probe = 20ms});
    backend_.set_counters({.running = 8, .last_step = base::monotonic_now() - 20s});
    EXPECT_EQ(get("/").status, 503);
}

TEST_F(HealthTest, WhatOthersGotIsProofForWhoeverWaitsInTheQueue) {
    limit({.probe = 20ms});
    Client client = connected();
    client.get("/");
    ASSERT_TRUE(backend_.next().receiver); // never answered
    backend_.set_counters({.running = 8, .last_step = base::monotonic_now()});
    EXPECT_EQ(client.reply().status, 200);
}

TEST_F(HealthTest, AnEngineThatRefusesIsToldWithItsReason) {
    Client client = connected();
    client.get("/");
    backend_.next().fail(engine::Fault::internal, "the computer is on fire");
    const Reply reply = client.reply();
    EXPECT_EQ(reply.status, 503);
    EXPECT_EQ(reply.body, R"({"status":"stuck","reason":"the computer is on fire"})");
}

TEST_F(HealthTest, AClientThatLeavesIsForgotten) {
    {
        Client client = connected();
        client.get("/");
        const auto call = backend_.next();
        client.close();
        while (on_loop([this] { return server_->open_exchanges(); }) > 0) {
            std::this_thread::yield();
        }
        call.finish();
    }
    EXPECT_EQ(get("/").status, 200);
}

TEST_F(HealthTest, TheWatchdogHearsOfProgressOnly) {
    limit({.probe = 20ms});
    std::promise<void> proven;
    on_loop([&] { health_->when_proven(base::monotonic_now(), [&] { proven.set_value(); }); });
    auto future = proven.get_future();
    EXPECT_EQ(future.wait_for(50ms), std::future_status::timeout) << "a beat without proof";

    // It was told no; it asks again, and the token that was asked for first comes at last.
    on_loop([&] { health_->when_proven(base::monotonic_now(), [&] { proven.set_value(); }); });
    const auto call = backend_.next();
    call.finish();
    EXPECT_EQ(future.wait_for(10s), std::future_status::ready);
    EXPECT_EQ(backend_.submitted(), 1U);
}

TEST_F(HealthTest, TheWatchdogAsksNothingOfAnEngineThatComputes) {
    const base::Nanoseconds beat = base::monotonic_now();
    backend_.set_counters({.running = 1, .last_step = beat + 1ns});
    bool proven = false;
    on_loop([&] { health_->when_proven(beat, [&] { proven = true; }); });
    EXPECT_TRUE(proven);
    EXPECT_EQ(backend_.submitted(), 0U);
}

} // namespace

} // namespace vb::http
