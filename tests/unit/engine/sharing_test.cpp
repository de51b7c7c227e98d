// What requests begin with in common, and who computes it.
#include "unit/engine/engine_fixture.h"

namespace vb::engine {
namespace {

TEST_F(EngineTest, RequestsThatBeginAlikeShareWhatIsComputed) {
    const auto engine = start();
    const std::string beginning(150, 'b');
    answer(*engine, 1, question(4, beginning + "one"));
    ask(*engine, 2, question(4, beginning + "two"));
    ask(*engine, 3, question(4, beginning + "three"));
    for (const int which : {2, 3}) {
        const Usage usage = hearing_.wait_for_end(which).outcome->value().usage;
        EXPECT_GT(usage.cached_tokens, 100U);
        EXPECT_LT(usage.cached_tokens, usage.prompt_tokens);
    }
}

// They are all there before the first of them is computed.
TEST_F(EngineTest, WhatRequestsOfTheSameMomentBeginWithIsComputedOnce) {
    constexpr int clients = 8;
    const auto one_of_them = [](int which) {
        return question(8, std::string(100, 'a') + std::to_string(which) + std::string(20, 'b'));
    };
    const Options options{.model = VB_TINY_MODEL, .context = 512, .batch = 64, .parallel = clients};
    std::vector<std::string> alone;
    for (int which = 0; which < clients; ++which) {
        const auto engine = start(options);
        alone.push_back(answer(*engine, clients + which, one_of_them(which)));
    }
    const auto engine = start(options);
    for (int which = 0; which < clients; ++which) {
        ask(*engine, which, one_of_them(which));
    }
    for (int which = 0; which < clients; ++which) {
        const auto heard = hearing_.wait_for_end(which);
        EXPECT_EQ(heard.text, alone[static_cast<std::size_t>(which)]) << which;
        const Usage& usage = heard.outcome->value().usage;
        if (which > 0) { EXPECT_GT(usage.cached_tokens, 100U) << which; }
        EXPECT_LT(usage.cached_tokens, usage.prompt_tokens);
    }
}

TEST_F(EngineTest, WhoWaitsForTheSameBeginningIsNotBoundToItsFate) {
    const auto begins_alike = [](const char* end) { return question(8, std::string(300, 'a') + end); };
    const auto engine = start({.model = VB_TINY_MODEL, .context = 512, .batch = 16, .parallel = 4});
    const auto first = ask(*engine, 1, begins_alike("first"));
    const auto second = ask(*engine, 2, begins_alike("second"));
    Request late = begins_alike("late");
    late.deadline = base::monotonic_now();
    ask(*engine, 3, late);
    ask(*engine, 4, begins_alike("last"));
    engine->cancel(first);
    engine->cancel(second);
    EXPECT_EQ(hearing_.wait_for_end(1).outcome->value().finish, Finish::cancelled);
    EXPECT_EQ(hearing_.wait_for_end(2).outcome->value().finish, Finish::cancelled);
    EXPECT_EQ(hearing_.wait_for_end(3).outcome->value().finish, Finish::deadline);
    const auto last = hearing_.wait_for_end(4);
    EXPECT_EQ(last.outcome->value().finish, Finish::length);
    const auto other = start();
    EXPECT_EQ(last.text, answer(*other, 5, begins_alike("last")));
}

TEST_F(EngineTest, WhatIsKeptOfThePastIsBounded) {
    const auto engine = start({.model = VB_TINY_MODEL, .context = 512, .batch = 64, .kept = 100});
    const std::string beginning(150, 'b');
    answer(*engine, 1, question(4, beginning));
    ask(*engine, 2, question(4, beginning));
    EXPECT_LT(hearing_.wait_for_end(2).outcome->value().usage.cached_tokens, 100U);
}

} // namespace
} // namespace vb::engine
