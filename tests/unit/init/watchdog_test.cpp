// The hardware watchdog and a child's heartbeat, in virtual time.
#include "init/watchdog.h"

#include "unit/init/simulated_kernel.h"

#include <fcntl.h>
#include <gtest/gtest.h>

namespace {

using namespace vb;
using namespace std::chrono_literals;
using simulation::SimulatedKernel;

class WatchdogTest : public ::testing::Test {
  protected:
    // PID 1's loop for a while: it sleeps from deadline to deadline.
    void live(base::Nanoseconds time, bool alive = true) {
        const base::Nanoseconds end = kernel.now() + time;
        while (watchdog.deadline() && *watchdog.deadline() <= end) {
            kernel.after(*watchdog.deadline() - kernel.now(), [this] { kernel.raise(1); });
            (void)kernel.wait(0);
            while (kernel.read_signal(0)) {}
            watchdog.check_deadline(kernel.now(), alive);
            ++turns;
        }
        if (kernel.now() < end) {
            kernel.after(end - kernel.now(), [this] { kernel.raise(1); });
            (void)kernel.wait(0);
            while (kernel.read_signal(0)) {}
        }
    }
    // As the device counts: when the machine would be reset; nothing while it lives.
    bool would_have_reset(base::Nanoseconds until) const {
        base::Nanoseconds last = kernel.watchdog_timeouts.at(0).first;
        const base::Nanoseconds timeout = kernel.watchdog_timeouts.back().second;
        for (const base::Nanoseconds fed : kernel.watchdog_feedings) {
            if (fed - last > timeout) { return true; }
            last = fed;
        }
        return until - last > timeout;
    }

    SimulatedKernel kernel;
    base::UniqueFd log_file{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
    base::Log log{log_file.get(), "test"};
    init::Watchdog watchdog{kernel, log, {}};
    int turns = 0;
};

TEST_F(WatchdogTest, IsFedThreeTimesInItsTimeout) {
    watchdog.open();
    EXPECT_TRUE(kernel.has_called("open_watchdog /dev/watchdog0"));
    EXPECT_EQ(kernel.watchdog_timeouts.at(0).second, 30s);
    live(10min);
    EXPECT_EQ(turns, 60);
    EXPECT_EQ(kernel.watchdog_feedings.size(), 60U);
    EXPECT_FALSE(would_have_reset(kernel.now()));
}

TEST_F(WatchdogTest, TakesTheTimeoutThatTheDeviceAllows) {
    kernel.watchdog_limit = 5s;
    watchdog.open();
    live(1min);
    EXPECT_FALSE(would_have_reset(kernel.now()));
    EXPECT_GE(kernel.watchdog_feedings.size(), 36U);
}

TEST_F(WatchdogTest, TakesTheTimeoutThatTheDeviceHasWhenItCannotBeSet) {
    kernel.failing["set_watchdog_timeout"] = EOPNOTSUPP;
    watchdog.open();
    EXPECT_EQ(watchdog.deadline(), kernel.now() + 20s); // of 60 s
}

TEST_F(WatchdogTest, ThatIsMissingCostsNothing) {
    kernel.failing["open_watchdog"] = ENOENT;
    watchdog.open();
    EXPECT_FALSE(watchdog.is_open());
    EXPECT_FALSE(watchdog.deadline());
    watchdog.check_deadline(kernel.now(), true);
    watchdog.prepare_reboot();
    watchdog.disarm();
    EXPECT_EQ(kernel.calls, std::vector<std::string>{"open_watchdog /dev/watchdog0"});
}

TEST_F(WatchdogTest, ResetsTheMachineWhenTheLoopDoesNotTurn) {
    watchdog.open();
    live(1min);
    EXPECT_FALSE(would_have_reset(kernel.now()));
    EXPECT_TRUE(would_have_reset(kernel.now() + 31s));
}

TEST_F(WatchdogTest, GoesHungryWhileWhatItStandsForIsDead) {
    watchdog.open();
    live(1min);
    const std::size_t fed = kernel.watchdog_feedings.size();
    live(25s, false);
    EXPECT_EQ(kernel.watchdog_feedings.size(), fed);
    live(1min); // in time once more
    EXPECT_FALSE(would_have_reset(kernel.now()));
    live(50s, false);
    EXPECT_TRUE(would_have_reset(kernel.now()));
}

TEST_F(WatchdogTest, KeepsTryingWhenFeedingFails) {
    watchdog.open();
    kernel.failing["feed_watchdog"] = EIO;
    live(5min);
    EXPECT_EQ(kernel.watchdog_feedings.size(), 30U);
}

TEST_F(WatchdogTest, StaysArmedForTheReboot) {
    watchdog.open();
    live(1min);
    watchdog.prepare_reboot();
    EXPECT_EQ(kernel.watchdog_timeouts.back().second, 60s);
    EXPECT_EQ(kernel.watchdog_feedings.back(), kernel.now());
    EXPECT_FALSE(watchdog.deadline());
    EXPECT_TRUE(watchdog.is_open());
    EXPECT_FALSE(kernel.has_called("stop_watchdog"));
}

TEST_F(WatchdogTest, IsStoppedForAMachineThatStaysOff) {
    watchdog.open();
    watchdog.disarm();
    EXPECT_TRUE(kernel.has_called("stop_watchdog"));
    EXPECT_FALSE(watchdog.is_open());
    EXPECT_FALSE(watchdog.deadline());
}

TEST_F(WatchdogTest, IsNotClosedWhenItCannotBeStopped) {
    kernel.failing["stop_watchdog"] = EBUSY; // nowayout
    watchdog.open();
    watchdog.disarm();
    EXPECT_TRUE(watchdog.is_open()); // closing would only add a line of the kernel's
}

TEST(Heartbeat, CountsFromReadinessOn) {
    init::Heartbeat heartbeat(10s);
    heartbeat.beat(1s);
    EXPECT_FALSE(heartbeat.deadline());
    heartbeat.begin(100s);
    EXPECT_EQ(heartbeat.deadline(), 110s);
    heartbeat.beat(105s);
    EXPECT_EQ(heartbeat.deadline(), 115s);
    heartbeat.begin(106s); // READY=1 again
    EXPECT_EQ(heartbeat.deadline(), 115s);
    EXPECT_FALSE(heartbeat.check_deadline(114s));
    EXPECT_FALSE(heartbeat.is_overdue());
}

TEST(Heartbeat, SaysOnceThatAChildIsOverdueUntilItIsGone) {
    init::Heartbeat heartbeat(10s);
    heartbeat.begin(100s);
    EXPECT_TRUE(heartbeat.check_deadline(110s));
    EXPECT_FALSE(heartbeat.check_deadline(111s));
    EXPECT_FALSE(heartbeat.deadline());
    heartbeat.beat(112s); // it has been killed
    heartbeat.set_interval(1s, 112s);
    heartbeat.trigger(112s);
    EXPECT_FALSE(heartbeat.deadline());
    EXPECT_TRUE(heartbeat.is_overdue());
    heartbeat.end();
    EXPECT_FALSE(heartbeat.is_overdue());
    heartbeat.begin(200s);
    EXPECT_EQ(heartbeat.deadline(), 210s); // the next one begins with what is configured
}

TEST(Heartbeat, IsAsTheChildWants) {
    init::Heartbeat heartbeat(0s);
    heartbeat.begin(100s);
    EXPECT_FALSE(heartbeat.deadline());
    heartbeat.set_interval(3s, 101s);
    EXPECT_EQ(heartbeat.deadline(), 104s);
    heartbeat.set_interval(0s, 102s);
    EXPECT_FALSE(heartbeat.deadline());
    heartbeat.trigger(103s);
    EXPECT_TRUE(heartbeat.check_deadline(103s));
}

} // namespace
