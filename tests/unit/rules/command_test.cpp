// Programs that rules run, on a real event loop.
#include "rules/command.h"

#include <csignal>
#include <gtest/gtest.h>
#include <sys/wait.h>

namespace {

using namespace vb;
using rules::Command;

class CommandTest : public testing::Test {
  protected:
    std::optional<Command::Ended> run(const std::vector<std::string>& arguments,
                                      std::chrono::milliseconds patience = std::chrono::seconds(60)) {
        std::optional<Command::Ended> ended;
        auto started = Command::start(loop_, arguments, patience, [&](const Command::Ended& how) {
            ended = how;
            loop_.stop();
        });
        EXPECT_TRUE(started) << base::describe(started.error()).view();
        EXPECT_FALSE(ended) << "not before it returns";
        EXPECT_TRUE(loop_.run());
        return ended;
    }

    http::EventLoop loop_ = http::EventLoop::create().value();
};

TEST_F(CommandTest, ItsStatusIsTold) {
    EXPECT_EQ(WEXITSTATUS(run({"/bin/true"})->status), 0);
    EXPECT_EQ(WEXITSTATUS(run({"/bin/sh", "-c", "exit 7"})->status), 7);
    EXPECT_EQ(WTERMSIG(run({"/bin/sh", "-c", "kill -TERM $$"})->status), SIGTERM);
}

TEST_F(CommandTest, ItsStdinIsEmptyAndNoSignalIsBlockedOrIgnored) {
    std::signal(SIGPIPE, SIG_IGN);
    EXPECT_EQ(run({"/bin/sh", "-c",
                   "read -r line && exit 1; "
                   "grep -q 'SigBlk:.0000000000000000' /proc/self/status && grep -q "
                   "'SigIgn:.0000000000000000' /proc/self/status"})
                  ->status,
              0);
    std::signal(SIGPIPE, SIG_DFL);
}

TEST_F(CommandTest, OneThatTakesTooLongIsKilled) {
    const auto ended = run({"/bin/sleep", "60"}, std::chrono::milliseconds(10));
    EXPECT_TRUE(ended->was_late);
    EXPECT_EQ(WTERMSIG(ended->status), SIGKILL);
}

TEST_F(CommandTest, WhatCannotBeStartedIsAnErrorWithItsName) {
    const auto started = Command::start(loop_, {"/nowhere/program"}, std::chrono::seconds(1), {});
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().number, ENOENT);
    EXPECT_EQ(started.error().object.view(), "/nowhere/program");
}

TEST_F(CommandTest, OneThatIsNotWaitedForIsKilledAndCollected) {
    {
        const auto started = Command::start(loop_, {"/bin/sleep", "60"}, std::chrono::seconds(60), {});
        ASSERT_TRUE(started);
    }
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD);
}

TEST_F(CommandTest, OneThatSomebodyElseHasWaitedForIsKnownToHaveEnded) {
    std::optional<Command::Ended> ended;
    auto started =
        Command::start(loop_, {"/bin/true"}, std::chrono::seconds(60), [&](const Command::Ended& how) {
            ended = how;
            loop_.stop();
        });
    ASSERT_TRUE(started);
    ASSERT_GT(::waitpid(-1, nullptr, 0), 0);
    EXPECT_TRUE(loop_.run());
    EXPECT_FALSE(ended->is_known);
}

} // namespace
