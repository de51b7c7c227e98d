#include "http/queue.h"

#include "scripted_backend.h"

#include <gtest/gtest.h>
#include <memory>

namespace vb::http {

namespace {

class QueueTest : public testing::Test {
  protected:
    void start(std::size_t parallel, const Limits& limits = {}) {
        backend_.set_parallel(parallel);
        queue_ = std::make_unique<Queue>(loop_, backend_, limits);
    }
    Queue::Place add(const std::string& name, const std::string& client = "") {
        return queue_->add({.client = client,
                            .begin = [this, name] { begun_ += name; },
                            .give_up =
                                [this, name](std::string_view) {
                                    expired_ += name;
                                    loop_.stop();
                                }});
    }

    EventLoop loop_ = EventLoop::create().value();
    ScriptedBackend backend_;
    std::unique_ptr<Queue> queue_;
    std::string begun_, expired_; // the names, in the order of it
};

TEST_F(QueueTest, AsManyAsAreComputedAtOnceBegin) {
    start(2);
    const Queue::Place first = add("a");
    add("b");
    add("c");
    EXPECT_EQ(begun_, "ab");
    EXPECT_EQ(queue_->running(), 2U);
    EXPECT_EQ(queue_->waiting(), 1U);
    queue_->leave(first);
    EXPECT_EQ(begun_, "abc");
    EXPECT_EQ(queue_->running(), 2U);
    EXPECT_EQ(queue_->waiting(), 0U);
}

TEST_F(QueueTest, ClientsTakeTurns) {
    start(1);
    Queue::Place running = add("0", "other");
    for (const char* const name : {"a", "b", "c"}) {
        add(name, "greedy");
    }
    add("x", "modest");
    add("y", "late");
    // A place is the number of those that have come before.
    for (int round = 0; round < 5; ++round) {
        queue_->leave(running);
        running = std::string("0abcxy").find(begun_.back()) + 1;
    }
    EXPECT_EQ(begun_, "0axybc");
}

TEST_F(QueueTest, RoomIsForThoseThatRunAndThoseThatWait) {
    start(2, {.queue = 1});
    EXPECT_TRUE(queue_->make_room("", 3));
    EXPECT_FALSE(queue_->make_room("", 4));
    const Queue::Place first = add("a");
    add("b");
    add("c");
    EXPECT_FALSE(queue_->make_room("", 1));
    queue_->leave(first);
    EXPECT_TRUE(queue_->make_room("", 1));
}

TEST_F(QueueTest, WhoHasTheMostWaitingGivesWay) {
    start(1, {.queue = 4});
    for (const char* const name : {"0", "a", "b", "c", "d"}) {
        add(name, "greedy");
    }
    EXPECT_FALSE(queue_->make_room("greedy", 1));
    EXPECT_TRUE(queue_->make_room("modest", 1));
    EXPECT_EQ(expired_, "d"); // who came last
    add("x", "modest");
    EXPECT_FALSE(queue_->make_room("greedy", 1));
    EXPECT_TRUE(queue_->make_room("modest", 1));
    EXPECT_EQ(expired_, "dc");
    add("y", "modest");
    EXPECT_FALSE(queue_->make_room("modest", 1)); // now both have as many
    EXPECT_TRUE(queue_->make_room("third", 1));
    EXPECT_EQ(queue_->waiting(), 3U);
}

TEST_F(QueueTest, WhoLeavesWhileWaitingIsNotBegun) {
    start(1);
    const Queue::Place first = add("a");
    const Queue::Place second = add("b", "gone");
    add("c");
    queue_->leave(second);
    queue_->leave(second); // twice is harmless
    queue_->leave(first);
    EXPECT_EQ(begun_, "ac");
    EXPECT_EQ(queue_->waiting(), 0U);
}

TEST_F(QueueTest, WhoWaitsTooLongIsToldAndIsGone) {
    start(1, {.queue_timeout = std::chrono::milliseconds(1)});
    add("a");
    add("b");
    ASSERT_TRUE(loop_.run());
    EXPECT_EQ(expired_, "b");
    EXPECT_EQ(queue_->waiting(), 0U);
    EXPECT_EQ(queue_->running(), 1U);
}

TEST_F(QueueTest, TheDeadlineOfOneMayComeEarlier) {
    start(1);
    add("a");
    queue_->add({.client = "",
                 .deadline = base::monotonic_now(),
                 .begin = [] { FAIL(); },
                 .give_up = [this](std::string_view) { loop_.stop(); }});
    ASSERT_TRUE(loop_.run());
    EXPECT_EQ(queue_->waiting(), 0U);
}

TEST_F(QueueTest, WhileTheModelLoadsThoseThatRunWaitAsWell) {
    backend_.set_state(engine::State::loading);
    start(1, {.queue_timeout = std::chrono::milliseconds(1)});
    add("a");
    ASSERT_TRUE(loop_.run());
    EXPECT_EQ(begun_ + expired_, "aa");
    EXPECT_EQ(queue_->running(), 0U);
}

} // namespace

} // namespace vb::http
