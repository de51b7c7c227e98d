// PID 1 when the kernel has nothing left to give: no processes, no descriptors, no memory.
#include "unit/init/init_test.h"

namespace vb {
namespace {

class ExhaustionTest : public InitTest {
  protected:
    // The next `times` calls of `operation` fail, then it works.
    void fail(const std::string& operation, int error, int times) {
        kernel.failing[operation] = error;
        kernel.on_call = [this, operation, times, seen = 0](const std::string& call) mutable {
            if (call == operation && ++seen > times) { kernel.failing.erase(operation); }
        };
    }
    // A runtime that starts is ready at once, and told to end a second later.
    void then_end_with(int signal) {
        kernel.on_spawn = [this, signal](pid_t process) {
            kernel.after(50ms, [this, process] { kernel.notify(process, "READY=1"); });
            kernel.after(1s, [this, signal] { kernel.raise(signal); });
        };
    }
};

TEST_F(ExhaustionTest, AMachineOutlivesAHundredForksThatFail) {
    for (const int error : {EAGAIN, ENOMEM}) {
        kernel.spawn_times.clear();
        fail("spawn /bin/runtime", error, 100);
        then_end_with(SIGUSR2);
        run(Place::machine);
        ASSERT_EQ(kernel.spawn_times.size(), 101U);
        EXPECT_EQ(kernel.spawn_times[1] - kernel.spawn_times[0], 0s); // the first restart is at once
        for (std::size_t index = 10; index < kernel.spawn_times.size(); ++index) {
            EXPECT_EQ(kernel.spawn_times[index] - kernel.spawn_times[index - 1], 10s); // it does not spin
        }
    }
}

TEST_F(ExhaustionTest, AMachineOutlivesSocketsThatCannotBeMade) {
    fail("listen 127.0.0.1:8080", EMFILE, 100);
    then_end_with(SIGUSR2);
    run(Place::machine);
    EXPECT_EQ(kernel.spawn_times.size(), 1U);
    EXPECT_EQ(std::ranges::count(kernel.calls, "listen 127.0.0.1:8080"), 101);
}

TEST_F(ExhaustionTest, ARuntimeStartsWithoutTheReadAhead) {
    kernel.failing["read_ahead"] = EAGAIN;
    then_end_with(SIGTERM);
    EXPECT_EQ(run(Place::container), 0);
    EXPECT_EQ(kernel.spawn_times.size(), 1U);
}

TEST_F(ExhaustionTest, AMachineIsLeftEvenWhenNoChildCanEndItsDisks) {
    kernel.failing["task disks"] = ENOMEM;
    then_end_with(SIGUSR2);
    run(Place::machine);
    EXPECT_EQ(std::ranges::count(kernel.calls, "task disks"), init::Disks::most_attempts);
    EXPECT_TRUE(kernel.has_called("remount /"));
    EXPECT_TRUE(kernel.has_called("reboot 4321fedc"));
}

TEST_F(ExhaustionTest, AShellThatCannotBeStartedIsNotTheEnd) {
    config.failure.policy = config::FailurePolicy::shell;
    config.failure.limit = 2;
    kernel.failing["spawn /bin/runtime"] = EAGAIN;
    kernel.failing["spawn /bin/sh"] = EAGAIN;
    kernel.after(10min, [this] { kernel.failing.clear(); });
    then_end_with(SIGUSR2);
    run(Place::machine);
    EXPECT_EQ(kernel.spawned_arguments.back().at(0), "/bin/runtime");
    EXPECT_LT(kernel.spawn_times.size(), 200U);
}

TEST_F(ExhaustionTest, SignalsAndDeathsAreHandledWhileNothingCanBeStarted) {
    kernel.failing["spawn /bin/runtime"] = EAGAIN;
    kernel.after(5min, [this] {
        kernel.adopt_orphan(5000);
        kernel.die(5000, 0);
    });
    kernel.after(10min, [this] { kernel.raise(SIGUSR2); });
    run(Place::machine);
    bool no_children = false;
    EXPECT_FALSE(kernel.reap(no_children));
    EXPECT_TRUE(no_children);
    EXPECT_TRUE(kernel.has_called("reboot 4321fedc"));
}

TEST_F(ExhaustionTest, AContainerSaysWhichDescriptorItCouldNotHave) {
    for (const char* const operation : {"open_poll", "open_timer", "open_notify_socket", "watch"}) {
        kernel.failing = {{operation, EMFILE}};
        EXPECT_EQ(run(Place::container), -1) << operation;
        ASSERT_FALSE(set_up) << operation;
        EXPECT_EQ(set_up.error().number, EMFILE) << operation;
    }
    EXPECT_TRUE(kernel.spawn_times.empty());
}

} // namespace
} // namespace vb
