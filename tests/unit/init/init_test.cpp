// PID 1's whole life on a simulated kernel.
#include "unit/init/init_test.h"

#include <linux/reboot.h>

namespace vb {
namespace {

TEST_F(InitTest, BindsAndReadsAheadBeforeItStartsTheRuntime) {
    crash(0, 0s, 0);
    EXPECT_EQ(run(Place::container), 0);
    EXPECT_LT(kernel.position("listen 127.0.0.1:8080"), kernel.position("read_ahead"));
    EXPECT_LT(kernel.position("read_ahead"), kernel.position("spawn /bin/runtime"));
}

TEST_F(InitTest, GivesTheRuntimeItsSocketsAndNotThoseOfItsOwnSupervisor) {
    crash(0, 0s, 0);
    run(Place::container);
    const auto& environment = kernel.spawned_environments.at(0);
    EXPECT_TRUE(std::ranges::contains(environment, "LISTEN_FDS=1"));
    EXPECT_TRUE(std::ranges::contains(environment, "LISTEN_FDNAMES=http"));
    EXPECT_TRUE(std::ranges::contains(environment, "NOTIFY_SOCKET=@simulated"));
    EXPECT_FALSE(std::ranges::contains(environment, "NOTIFY_SOCKET=/run/outer"));
    EXPECT_TRUE(std::ranges::contains(environment, "PATH=/bin"));
    EXPECT_TRUE(std::ranges::contains(kernel.spawned_arguments.at(0), config.engine.model));
}

TEST_F(InitTest, ReportsASocketThatCannotBeBound) {
    kernel.failing["listen"] = EADDRINUSE;
    EXPECT_EQ(run(Place::container), -1);
    ASSERT_FALSE(set_up);
    EXPECT_EQ(set_up.error().number, EADDRINUSE);
    EXPECT_FALSE(kernel.has_called("spawn /bin/runtime"));
}

TEST_F(InitTest, RestartsACrashedRuntimeAtOnceAndOnTheSameSocket) {
    crash(1, 5s, SIGKILL);
    EXPECT_EQ(run(Place::container), 0);
    ASSERT_EQ(kernel.spawn_times.size(), 2U);
    EXPECT_EQ(pauses()[0], 5s + 50ms);
    EXPECT_EQ(kernel.inherited[0], kernel.inherited[1]);
}

TEST_F(InitTest, BacksOffWhileTheRuntimeKeepsCrashing) {
    crash(12, 0s, SIGSEGV);
    EXPECT_EQ(run(Place::container), 0);
    const auto between = pauses();
    ASSERT_EQ(between.size(), 12U);
    EXPECT_EQ(between[0], 50ms);
    EXPECT_EQ(between[1], 150ms);
    EXPECT_EQ(between[2], 250ms);
    EXPECT_EQ(between[3], 450ms);
    EXPECT_EQ(between[11], 10s + 50ms);
}

TEST_F(InitTest, ForgetsOldCrashesOnceTheRuntimeHasBeenStable) {
    crash(4, 11s, SIGSEGV);
    run(Place::container);
    for (const auto pause : pauses()) {
        EXPECT_EQ(pause, 11s + 50ms);
    }
}

TEST_F(InitTest, EndsAContainerWhoseRuntimeCannotBeInitialised) {
    kernel.on_spawn = [this](pid_t process) {
        kernel.after(20ms, [this, process] { kernel.die(process, exited(2)); });
    };
    EXPECT_EQ(run(Place::container), 2);
    EXPECT_EQ(kernel.spawn_times.size(), 1U);
}

TEST_F(InitTest, EndsAContainerWhoseRuntimeNeverBecomesReady) {
    kernel.on_spawn = [this](pid_t process) {
        kernel.after(20ms, [this, process] { kernel.die(process, SIGABRT); });
    };
    EXPECT_EQ(run(Place::container), 2);
    EXPECT_EQ(kernel.spawn_times.size(), config.failure.limit);
}

TEST_F(InitTest, KeepsAMachineTryingWhenTheRuntimeCannotBeInitialised) {
    int starts = 0;
    kernel.on_spawn = [&](pid_t process) {
        kernel.after(20ms, [this, process] { kernel.die(process, exited(2)); });
        if (++starts == 20) { kernel.raise(SIGUSR2); }
    };
    run(Place::machine);
    EXPECT_EQ(starts, 20);
    EXPECT_TRUE(kernel.has_called("reboot 4321fedc"));
}

TEST_F(InitTest, BelievesOnlyTheRuntimeThatItIsReady) {
    kernel.on_spawn = [this](pid_t process) {
        kernel.notify(process + 1000, "READY=1");
        kernel.after(20ms, [this, process] { kernel.die(process, exited(2)); });
    };
    EXPECT_EQ(run(Place::container), 2); // had it been ready, it would have been restarted
}

TEST_F(InitTest, PassesOnTheStatusOfARuntimeThatWasToldToEnd) {
    crash(0, 0s, 0);
    kernel.status_after_terminate = exited(3);
    EXPECT_EQ(run(Place::container), 3);
    EXPECT_EQ(kernel.spawn_times.size(), 1U);
}

TEST_F(InitTest, KillsARuntimeThatDoesNotEndInTime) {
    crash(0, 0s, 0);
    kernel.ignores_terminate = true;
    EXPECT_EQ(run(Place::container), 128 + SIGKILL);
}

TEST_F(InitTest, StopsWaitingWhenAskedTwice) {
    config.shutdown.timeout = 600'000;
    kernel.ignores_terminate = true;
    kernel.on_spawn = [this](pid_t) {
        kernel.after(1s, [this] { kernel.raise(SIGTERM); });
        kernel.after(2s, [this] { kernel.raise(SIGTERM); });
    };
    const auto began = kernel.now();
    EXPECT_EQ(run(Place::container), 128 + SIGKILL);
    EXPECT_LT(kernel.now() - began, 10s);
}

TEST_F(InitTest, EndsAtOnceWhenNothingRunsAnyMore) {
    int starts = 0;
    kernel.on_spawn = [&](pid_t process) {
        kernel.after(50ms, [this, process] { kernel.notify(process, "READY=1"); });
        kernel.after(60ms, [this, process] { kernel.die(process, SIGSEGV); });
        if (++starts == 6) { // the next restart is seconds away
            kernel.after(100ms, [this] { kernel.raise(SIGTERM); });
        }
    };
    run(Place::container);
    EXPECT_LE(kernel.now() - kernel.spawn_times.back(), 110ms);
}

TEST_F(InitTest, SaysWhatOfAReloadCountsFromTheNextStartOn) {
    std::string said;
    log.set_sink({.append =
                      [](void* object, base::Level, std::string_view, std::string_view text) noexcept {
                          static_cast<std::string*>(object)->append(text).append("\n");
                      },
                  .object = &said});
    config.log.directory = "";
    config::Config changed = config;
    changed.failure.limit = 9;
    changed.watchdog.timeout = 9000;
    changed.log.directory = "/elsewhere";
    changed.log.level = base::Level::debug;
    changed.sysctl["vm.swappiness"] = "10";
    source.next = config;
    kernel.on_spawn = [this, changed, &said](pid_t) {
        kernel.after(1s, [this] { kernel.raise(SIGHUP); });
        kernel.after(2s, [&said] { EXPECT_EQ(said.find("next start"), std::string::npos) << said; });
        kernel.after(3s, [this, changed] {
            source.next = changed;
            kernel.raise(SIGHUP);
        });
        kernel.after(4s, [this] { kernel.raise(SIGPWR); });
    };
    run(Place::machine);
    log.set_sink({});
    constexpr std::string_view notice =
        "changed, which counts from the next start on: [failure], [watchdog], [log] directory\n";
    EXPECT_NE(said.find(notice), std::string::npos) << said;
    EXPECT_EQ(kernel.files.at("/proc/sys/vm/swappiness"), "10");
}

TEST_F(InitTest, ReapsEveryOrphanBehindOneSignal) {
    crash(0, 0s, 0);
    constexpr pid_t first = 5000, count = 10'000;
    kernel.at(kernel.now() + 100ms, [this] {
        for (pid_t orphan = first; orphan < first + count; ++orphan) {
            kernel.adopt_orphan(orphan);
            kernel.die(orphan, 0);
        }
    });
    run(Place::container);
    bool no_children = false;
    EXPECT_FALSE(kernel.reap(no_children));
    EXPECT_TRUE(no_children);
}

TEST_F(InitTest, SurvivesAForkThatFails) {
    kernel.failing["spawn /bin/runtime"] = EAGAIN;
    kernel.at(kernel.now() + 3s, [this] { kernel.failing.clear(); });
    crash(0, 0s, 0);
    config.failure.limit = 100;
    EXPECT_EQ(run(Place::container), 0);
    EXPECT_GT(kernel.spawn_times.size(), 3U);
    EXPECT_LT(kernel.spawn_times.size(), 20U); // it backed off
}

TEST_F(InitTest, PowersAMachineOffInOrder) {
    config.machine.ctrl_alt_del = config::CtrlAltDel::poweroff;
    kernel.files["/proc/self/mountinfo"] = "20 1 0:1 / / rw - ext4 /dev/vda rw\n"
                                           "21 20 0:2 / /proc rw - proc proc rw\n"
                                           "22 20 0:3 / /run rw - tmpfs tmpfs rw\n"
                                           "23 22 0:4 / /run/my\\040disk rw - ext4 /dev/vdb rw\n";
    kernel.on_spawn = [this](pid_t) { kernel.after(1s, [this] { kernel.raise(SIGINT); }); };
    run(Place::machine);
    const std::vector<std::string> order = {"kill 102 15", "kill_all 15",          "task disks",
                                            "sync",        "unmount /run/my disk", "unmount /run",
                                            "remount /",   "reboot 4321fedc"};
    std::size_t last = 0;
    for (const std::string& call : order) {
        ASSERT_NE(kernel.position(call), std::string::npos) << call;
        EXPECT_LE(last, kernel.position(call)) << call;
        last = kernel.position(call);
    }
    EXPECT_FALSE(kernel.has_called("unmount /proc"));
}

TEST_F(InitTest, TriesAnotherWayWhenPoweringOffFails) {
    kernel.failing["reboot 4321fedc"] = EINVAL;
    kernel.on_spawn = [this](pid_t) { kernel.after(1s, [this] { kernel.raise(SIGPWR); }); };
    run(Place::machine);
    EXPECT_TRUE(kernel.has_called("reboot 1234567"));
}

TEST_F(InitTest, OpensAShellOnAMachineThatKeepsFailing) {
    config.failure.policy = config::FailurePolicy::shell;
    config.failure.limit = 3;
    kernel.on_spawn = [this](pid_t process) {
        const bool is_shell = kernel.spawned_arguments.back().at(0) == "/bin/sh";
        const bool stops = kernel.spawn_times.size() > 4;
        kernel.after(1s, [this, process] { kernel.die(process, exited(2)); });
        if (!is_shell && stops) {
            kernel.after(10ms, [this] { kernel.raise(SIGUSR2); });
        }
    };
    run(Place::machine);
    ASSERT_EQ(kernel.spawned_arguments.size(), 5U); // three runtimes, the shell, and a runtime again
    EXPECT_EQ(kernel.spawned_arguments[3].at(0), "/bin/sh");
    EXPECT_EQ(kernel.spawned_arguments[4].at(0), "/bin/runtime");
}

TEST_F(InitTest, OnAMachineTriesAgainToBind) {
    kernel.failing["listen"] = EADDRNOTAVAIL;
    kernel.after(1s, [this] { kernel.failing.erase("listen"); });
    kernel.on_spawn = [this](pid_t) { kernel.after(1s, [this] { kernel.raise(SIGPWR); }); };
    run(Place::machine);
    ASSERT_EQ(kernel.spawned_arguments.size(), 1U);
    EXPECT_GE(kernel.inherited.at(0).at(0), 0);
}

TEST_F(InitTest, ASecondRequestDoesNotGiveUpTheDisks) {
    kernel.on_spawn = [this](pid_t) {
        kernel.after(1s, [this] { kernel.raise(SIGPWR); });
        kernel.after(1s + kernel.dies_after + 1ms, [this] { kernel.raise(SIGPWR); });
    };
    run(Place::machine);
    EXPECT_TRUE(kernel.has_called("task disks"));
    EXPECT_GE(kernel.now() - kernel.spawn_times.at(0), 1s + kernel.dies_after + *kernel.disks_take);
}

TEST_F(InitTest, ConfiguresTheNetworkOnlyAfterTheSocketsAreBound) {
    ip_word = "10.0.2.15::10.0.2.2:255.255.255.0::vec0:off";
    kernel.on_spawn = [this](pid_t) { kernel.after(1s, [this] { kernel.raise(SIGPWR); }); };
    run(Place::machine);
    EXPECT_LT(kernel.position("listen 127.0.0.1:8080"), kernel.position("bring_up lo"));
    EXPECT_LT(kernel.position("bring_up lo"), kernel.position("configure vec0"));
}

class ProgramTest : public InitTest {
  protected:
    ProgramTest() {
        config.handoff.mode = config::HandoffMode::python;
        config.handoff.app = "/app";
        config.handoff.arguments = {"one"};
        config.device.emplace_back().name = "sensor";
        config.device.back().file = "/registers";
        config.device.back().interrupt = "/fifo";
        kernel.on_spawn = [this](pid_t process) {
            kernel.after(50ms, [this, process] { kernel.notify(process, "READY=1"); });
            kernel.after(1s, [this, process] { kernel.die(process, exited(5)); });
            if (kernel.spawn_times.size() == 3) {
                kernel.after(500ms, [this] { kernel.raise(SIGTERM); });
            }
        };
    }
};

TEST_F(ProgramTest, IsStartedAgainWhateverItsStatus) {
    EXPECT_EQ(run(Place::container), 0);
    EXPECT_EQ(kernel.spawn_times.size(), 3U);
    const auto& words = kernel.spawned_arguments.at(0);
    const auto app = std::ranges::find(words, "--python");
    ASSERT_LT(words.end() - app, 10);
    EXPECT_EQ(std::vector(app, app + 4), (std::vector<std::string>{"--python", "/app", "--argument", "one"}));
    EXPECT_TRUE(std::ranges::contains(words, "sensor=file:/registers?interrupt=/fifo"));
    EXPECT_FALSE(std::ranges::contains(words, "--confine"));
}

TEST_F(ProgramTest, EndsTheContainerWithItsStatusWhereThePolicyIsToExit) {
    config.failure.policy = config::FailurePolicy::exit;
    EXPECT_EQ(run(Place::container), 5);
    EXPECT_EQ(kernel.spawn_times.size(), 1U);
}

TEST_F(ProgramTest, DoesNotRunAsAnotherUserThanTheConfiguredOne) {
    config.failure = {.policy = config::FailurePolicy::exit, .limit = 2};
    config.handoff.user = "nobody-here";
    EXPECT_EQ(run(Place::container), 2);
    EXPECT_TRUE(kernel.spawn_times.empty());
}

class CommandTest : public InitTest {
  protected:
    CommandTest() {
        config.handoff.mode = config::HandoffMode::exec;
        config.handoff.command = {"/bin/app", "-x"};
    }
};

TEST_F(CommandTest, EndsWithTheCommandsStatus) {
    kernel.on_spawn = [this](pid_t process) {
        kernel.after(1s, [this, process] { kernel.die(process, exited(42)); });
    };
    EXPECT_EQ(run(Place::container), 42);
    EXPECT_EQ(kernel.spawned_arguments.at(0), (std::vector<std::string>{"/bin/app", "-x"}));
    EXPECT_EQ(kernel.position("listen 127.0.0.1:8080"), std::string::npos);
}

TEST_F(CommandTest, GivesTheCommandAllOfItsArguments) {
    config.handoff.command.assign(1000, "word");
    kernel.on_spawn = [this](pid_t process) { kernel.die(process, exited(0)); };
    EXPECT_EQ(run(Place::container), 0);
    EXPECT_EQ(kernel.spawned_arguments.at(0).size(), 1000U);
}

TEST_F(CommandTest, ReportsADeathBySignalAs128PlusItsNumber) {
    kernel.on_spawn = [this](pid_t process) {
        kernel.after(1s, [this, process] { kernel.die(process, SIGSEGV); });
    };
    EXPECT_EQ(run(Place::container), 128 + SIGSEGV);
}

TEST_F(CommandTest, ReportsADeathByARealTimeSignalToo) {
    kernel.on_spawn = [this](pid_t process) { kernel.die(process, SIGRTMIN + 3); };
    EXPECT_EQ(run(Place::container), 128 + SIGRTMIN + 3);
}

TEST_F(CommandTest, OnAMachineForgetsFailuresOfLongAgo) {
    config.failure = {.policy = config::FailurePolicy::poweroff, .limit = 2};
    kernel.on_spawn = [this, count = 0](pid_t process) mutable {
        if (count++ < 5) {
            kernel.after(12s, [this, process] { kernel.die(process, exited(1)); });
        } else {
            kernel.after(1s, [this] { kernel.raise(SIGPWR); });
        }
    };
    run(Place::machine);
    EXPECT_EQ(kernel.spawn_times.size(), 6U);
}

TEST_F(CommandTest, SaysWhyACommandCannotRunAsShellsDo) {
    kernel.failing["spawn /bin/app"] = ENOENT;
    EXPECT_EQ(run(Place::container), 127);
}

TEST_F(CommandTest, SaysThatACommandIsNotExecutableAsShellsDo) {
    kernel.failing["spawn /bin/app"] = EACCES;
    EXPECT_EQ(run(Place::container), 126);
}

TEST_F(CommandTest, ForwardsSignalsInsteadOfActingOnThem) {
    kernel.on_spawn = [this](pid_t process) {
        kernel.after(1s, [this] { kernel.raise(SIGHUP); });
        kernel.after(2s, [this] { kernel.raise(SIGRTMIN + 3); });
        kernel.after(3s, [this, process] { kernel.die(process, exited(0)); });
    };
    EXPECT_EQ(run(Place::container), 0);
    EXPECT_TRUE(kernel.has_called("kill 101 " + std::to_string(SIGHUP)));
    EXPECT_TRUE(kernel.has_called("kill 101 " + std::to_string(SIGRTMIN + 3)));
}

TEST_F(CommandTest, EndsTheRestOfTheTreeAfterTheCommand) {
    kernel.on_spawn = [this](pid_t process) {
        kernel.adopt_orphan(900);
        kernel.after(1s, [this, process] { kernel.die(process, exited(0)); });
    };
    kernel.ignores_terminate = true;
    EXPECT_EQ(run(Place::process), 0);
    EXPECT_LT(kernel.position("kill 900 15"), kernel.position("kill 900 9"));
}

} // namespace
} // namespace vb
