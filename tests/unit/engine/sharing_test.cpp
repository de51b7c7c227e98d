// What requests begin with in common, and who computes it.
#include "engine/scheduler.h"

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

// Step by step.
class SchedulerTest : public EngineTest {
  protected:
    void start_scheduler(const Options& options) {
        scheduler_.emplace(load_model(options, timeline_, log_, load_).value(), options.context, timeline_,
                           log_, tally_);
    }
    // The ticket is the number that its receiver has in `hearing_`.
    void add(int which, const Request& request) {
        scheduler_->add(static_cast<Scheduler::Ticket>(which), request,
                        std::make_unique<Listener>(hearing_, which));
    }
    Finish finish_of(int which) { return hearing_.wait_for_end(which).outcome->value().finish; }

    LoadControl load_;
    Tally tally_;
    std::optional<Scheduler> scheduler_;
};

TEST_F(SchedulerTest, WhoFollowsIsNotBoundToTheFateOfOthers) {
    const auto begins_alike = [](const char* end) { return question(8, std::string(300, 'a') + end); };
    start_scheduler({.model = VB_TINY_MODEL, .context = 512, .batch = 16, .parallel = 4});
    add(1, begins_alike("first"));
    add(2, begins_alike("second"));
    Request late = begins_alike("late");
    late.deadline = base::monotonic_now();
    add(3, late);
    add(4, begins_alike("last"));
    EXPECT_EQ(scheduler_->free_places(), 0U);
    scheduler_->step();
    EXPECT_EQ(hearing_.order(), (std::vector{3})) << "its deadline";
    EXPECT_EQ(scheduler_->free_places(), 1U);
    scheduler_->cancel(2); // waits
    scheduler_->cancel(1); // and is waited for
    EXPECT_EQ(hearing_.order(), (std::vector{3, 2, 1}));
    while (!scheduler_->is_idle()) {
        scheduler_->step();
    }
    EXPECT_EQ(finish_of(1), Finish::cancelled);
    EXPECT_EQ(finish_of(2), Finish::cancelled);
    EXPECT_EQ(finish_of(3), Finish::deadline);
    EXPECT_EQ(finish_of(4), Finish::length);
    EXPECT_EQ(scheduler_->free_places(), 4U);
    const auto alone = start();
    EXPECT_EQ(hearing_.wait_for_end(4).text, answer(*alone, 5, begins_alike("last")));
}

TEST_F(SchedulerTest, AllAreToldWhenItEnds) {
    start_scheduler({.model = VB_TINY_MODEL, .context = 512, .batch = 16, .parallel = 4});
    for (int which = 1; which <= 4; ++which) {
        add(which, question(8, std::string(100, 'a') + std::to_string(which)));
    }
    scheduler_->end_all(Finish::cancelled);
    EXPECT_EQ(hearing_.order(), (std::vector{1, 2, 3, 4}));
    EXPECT_TRUE(scheduler_->is_idle());
}

TEST_F(SchedulerTest, AShortPromptWaitsOnlyForWhatItSharesWithALongOne) {
    start_scheduler({.model = VB_TINY_MODEL, .context = 512, .batch = 256, .parallel = 2});
    add(1, question(8, std::string(40, 'a') + std::string(300, 'b')));
    add(2, question(1, std::string(40, 'a')));
    scheduler_->step();
    scheduler_->count();
    EXPECT_GE(tally_.held_tokens, 40U);
    EXPECT_LT(tally_.held_tokens, 100U);
    scheduler_->step();
    EXPECT_EQ(hearing_.order(), (std::vector{2}));
    EXPECT_GE(hearing_.wait_for_end(2).outcome->value().usage.cached_tokens, 40U);
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
