// PID 1 of a machine: its disks, its devices, its watchdog.
#include "unit/init/init_test.h"

#include <linux/reboot.h>

namespace vb {
namespace {

class MachineTest : public InitTest {
  protected:
    // The runtime is ready after 50 ms; the machine is asked to power off after `life`.
    void live(base::Nanoseconds life, int ending = SIGPWR) {
        kernel.on_spawn = [this](pid_t process) {
            kernel.after(50ms, [this, process] { kernel.notify(process, "READY=1"); });
        };
        kernel.after(life, [this, ending] { kernel.raise(ending); });
    }
};

TEST_F(MachineTest, StartsTheRuntimeWhenTheDisksAreMounted) {
    config.mount.push_back({.source = "/dev/vda", .target = "/models", .type = "ext4", .options = "ro"});
    config.machine.hostname = "edge";
    config.sysctl["vm.swappiness"] = "10";
    // 101 reads the model ahead, 102 mounts.
    kernel.on_task = [this](const sys::Task&) { kernel.after(3ms, [this] { kernel.die(102, 0); }); };
    live(1s);
    run(Place::machine);
    EXPECT_LT(kernel.position("task mounts"), kernel.position("spawn /bin/runtime"));
    EXPECT_LT(kernel.position("spawn /bin/runtime"), kernel.position("set_hostname edge"));
    EXPECT_EQ(kernel.files.at("/proc/sys/vm/swappiness"), "10");
}

TEST_F(MachineTest, DisksThatCannotBeMountedHoldNothingUp) {
    config.mount.push_back({.source = "/dev/vda", .target = "/models", .type = "ext4", .options = ""});
    kernel.failing["task"] = EAGAIN;
    live(1s);
    run(Place::machine);
    EXPECT_TRUE(kernel.has_called("spawn /bin/runtime"));
}

TEST_F(MachineTest, StopsForAShellBeforeAnythingIsDone) {
    config.machine.break_at = config::Break::early;
    kernel.on_spawn = [this, count = 0](pid_t process) mutable {
        if (count++ == 0) {
            kernel.after(5s, [this, process] { kernel.die(process, exited(0)); });
        }
    };
    kernel.after(10s, [this] { kernel.raise(SIGPWR); });
    run(Place::machine);
    EXPECT_LT(kernel.position("spawn /bin/sh"), kernel.position("spawn /bin/runtime"));
    EXPECT_LT(kernel.position("spawn /bin/sh"), kernel.position("bring_up lo"));
}

TEST_F(MachineTest, FeedsTheWatchdogAndLeavesItArmedForTheReboot) {
    live(100s, SIGTERM);
    run(Place::machine);
    EXPECT_TRUE(kernel.has_called("open_watchdog /dev/watchdog0"));
    EXPECT_GE(kernel.watchdog_feedings.size(), 9U); // every ten seconds
    EXPECT_FALSE(kernel.has_called("stop_watchdog"));
    EXPECT_TRUE(kernel.has_called("reboot 1234567"));
}

TEST_F(MachineTest, DisarmsTheWatchdogBeforeThePowerIsOff) {
    live(1s);
    run(Place::machine);
    EXPECT_LT(kernel.position("stop_watchdog"), kernel.position("reboot 4321fedc"));
}

TEST_F(MachineTest, DoesWithoutAWatchdog) {
    kernel.failing["open_watchdog"] = ENOENT;
    live(100s);
    run(Place::machine);
    EXPECT_TRUE(kernel.watchdog_feedings.empty());
}

TEST_F(MachineTest, KillsARuntimeThatGivesNoSignOfLife) {
    config.watchdog.runtime = 10'000;
    kernel.on_spawn = [this, count = 0](pid_t process) mutable {
        kernel.after(50ms, [this, process] { kernel.notify(process, "READY=1"); });
        if (count++ == 0) {
            for (int second = 1; second < 20; ++second) {
                kernel.after(std::chrono::seconds(second),
                             [this, process] { kernel.notify(process, "WATCHDOG=1"); });
            }
        } else {
            kernel.after(2s, [this] { kernel.raise(SIGTERM); });
        }
    };
    run(Place::container);
    EXPECT_EQ(pauses(), std::vector<base::Nanoseconds>{29s});
    EXPECT_TRUE(kernel.has_called("kill 102 9"));
    EXPECT_TRUE(std::ranges::contains(kernel.spawned_environments.at(0), "WATCHDOG_USEC=10000000"));
}

} // namespace
} // namespace vb
