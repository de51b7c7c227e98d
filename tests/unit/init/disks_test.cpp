// The end of a machine's disks, with disks that hang, are busy, or cannot be asked.
#include "init/disks.h"

#include "unit/init/init_test.h"

#include <linux/reboot.h>

namespace vb {
namespace {

constexpr std::string_view root_line = "20 1 0:1 / / rw - ext4 /dev/vda rw\n";

class DisksTest : public InitTest {
  protected:
    DisksTest() {
        config.machine.ctrl_alt_del = config::CtrlAltDel::poweroff;
        kernel.files["/proc/self/mountinfo"] = std::string(root_line) +
                                               "22 20 0:3 / /data rw - ext4 /dev/vdb rw\n"
                                               "23 22 0:4 / /data/in rw - ext4 /dev/vdc rw\n";
    }
    // A machine that is asked to power off after a second; returns when, in its time, it did.
    base::Nanoseconds power_off() {
        kernel.on_spawn = [this](pid_t) { kernel.after(1s, [this] { kernel.raise(SIGPWR); }); };
        run(Place::machine);
        EXPECT_TRUE(kernel.has_called("reboot 4321fedc"));
        return kernel.now() - kernel.spawn_times.at(0) - 1s;
    }
    // The kernel's tables follow what is done to them, as the real one's do.
    void forget_what_goes() {
        kernel.on_call = [this](const std::string& call) {
            if (kernel.failing.contains(call)) { return; }
            if (call == "unmount /data/in") { forget("/proc/self/mountinfo", " /data/in "); }
            if (call == "unmount /data") { forget("/proc/self/mountinfo", " /data "); }
            if (call.starts_with("swap_off ")) {
                forget("/proc/swaps", call.substr(9) + " ");
                kernel.failing.erase("unmount /data");
            }
            if (call.starts_with("detach_loop ")) { kernel.failing.erase("swap_off /data/swap"); }
        };
    }
    void forget(const std::string& file, const std::string& word) {
        std::string& text = kernel.files[file];
        const std::size_t found = text.find(word);
        if (found == std::string::npos) { return; }
        const std::size_t begin = text.rfind('\n', found) + 1;
        text.erase(begin, text.find('\n', found) + 1 - begin);
    }
    std::size_t count(std::string_view call) const {
        return static_cast<std::size_t>(std::ranges::count(kernel.calls, call));
    }
};

TEST_F(DisksTest, EndInTheReverseOfTheirOrderAndInAChild) {
    kernel.files["/proc/swaps"] = "Filename\t\t\t\tType\t\tSize\tUsed\tPriority\n"
                                  "/dev/vdd                               partition\t4092\t0\t-2\n"
                                  "/data/my\\040swap                           file\t\t4092\t0\t-3\n";
    forget_what_goes();
    power_off();
    const std::vector<std::string> order = {
        "kill_all 15",      "task disks",    "sync",      "swap_off /dev/vdd", "swap_off /data/my swap",
        "unmount /data/in", "unmount /data", "remount /", "reboot 4321fedc"};
    std::size_t last = 0;
    for (const std::string& call : order) {
        ASSERT_NE(kernel.position(call), std::string::npos) << call;
        EXPECT_LE(last, kernel.position(call)) << call;
        last = kernel.position(call);
    }
    EXPECT_EQ(count("sync"), 2U);
    EXPECT_EQ(count("unmount /data"), 1U);
    EXPECT_FALSE(kernel.has_called("unmount /"));
}

TEST_F(DisksTest, AreTriedAgainOnceWhatKeptThemBusyIsGone) {
    kernel.files["/proc/swaps"] = "Filename Type Size Used Priority\n/data/swap file 4092 0 -2\n";
    kernel.files["/proc/partitions"] = "major minor  #blocks  name\n\n   7        3       4096 loop3\n"
                                       "   7        4       4096 loop3p1\n";
    // A swap file that only goes when the loop device has gone, and a file system that only goes with it.
    kernel.failing = {{"swap_off /data/swap", EBUSY}, {"unmount /data", EBUSY}};
    forget_what_goes();
    power_off();
    EXPECT_TRUE(kernel.has_called("detach_loop /dev/loop3"));
    EXPECT_FALSE(kernel.has_called("detach_loop /dev/loop3p1"));
    EXPECT_EQ(count("unmount /data"), 2U);
    EXPECT_FALSE(kernel.has_called("remount /data"));
}

TEST_F(DisksTest, AreMadeReadOnlyWhenTheyAreBusy) {
    kernel.failing["unmount"] = EBUSY;
    EXPECT_EQ(init::end_disks(kernel, log), 0);
    EXPECT_LT(kernel.position("remount /data/in"), kernel.position("remount /data"));
    EXPECT_LT(kernel.position("remount /data"), kernel.position("remount /"));
    EXPECT_EQ(count("unmount /data"), 2U) << "nothing was freed, and it was tried again";
    EXPECT_EQ(kernel.calls.back(), "sync");
}

TEST_F(DisksTest, SayWhenTheyAreLeftAsTheyWere) {
    kernel.failing = {{"unmount", EBUSY}, {"remount /data", EBUSY}};
    EXPECT_EQ(init::end_disks(kernel, log), 1);
}

TEST_F(DisksTest, ThatHangAreLeftBehindAtTheDeadline) {
    kernel.disks_take.reset();
    const auto took = power_off();
    EXPECT_GE(took, init::Disks::patience);
    EXPECT_LT(took, init::Disks::patience + 1s);
    EXPECT_FALSE(kernel.has_called("sync")) << "PID 1 has touched what hangs";
}

TEST_F(DisksTest, ThatTakeTheirTimeDoNotLetTheWatchdogBite) {
    kernel.disks_take = 50s;
    const auto took = power_off();
    EXPECT_GE(took, 50s);
    const auto fed_late = std::ranges::count_if(kernel.watchdog_feedings, [this](base::Nanoseconds when) {
        return when > kernel.spawn_times.at(0) + 2s;
    });
    EXPECT_GE(fed_late, 5); // every ten seconds, and for the reboot
    EXPECT_EQ(kernel.watchdog_timeouts.back().second, 60s);
    EXPECT_GE(kernel.watchdog_timeouts.back().first, kernel.spawn_times.at(0) + 50s);
}

TEST_F(DisksTest, AreTriedAgainWhenNoChildCanBeStarted) {
    kernel.failing["task disks"] = EAGAIN;
    kernel.on_call = [this, seen = 0](const std::string& call) mutable {
        if (call == "task disks" && ++seen == 3) { kernel.failing.clear(); }
    };
    const auto took = power_off();
    EXPECT_EQ(count("task disks"), 3U);
    EXPECT_GE(took, 2 * init::Disks::retry_delay);
    EXPECT_LT(took, 3 * init::Disks::retry_delay);
    EXPECT_TRUE(kernel.has_called("unmount /data"));
}

TEST_F(DisksTest, AreEndedByPid1ItselfWhenThereIsNeverAChild) {
    kernel.failing["task disks"] = EAGAIN;
    power_off();
    EXPECT_EQ(count("task disks"), static_cast<std::size_t>(init::Disks::most_attempts));
    EXPECT_TRUE(kernel.has_called("unmount /data"));
    EXPECT_TRUE(kernel.has_called("remount /"));
    // Where that hangs, the watchdog resets the machine.
    EXPECT_EQ(kernel.watchdog_timeouts.back().second, 60s);
}

TEST_F(DisksTest, OutliveAChildThatIsKilled) {
    kernel.disks_end_with = SIGKILL;
    kernel.on_call = [this, seen = 0](const std::string& call) mutable {
        if (call == "task disks" && ++seen == 2) { kernel.disks_end_with = 0; }
    };
    power_off();
    EXPECT_EQ(count("task disks"), 2U);
    EXPECT_TRUE(kernel.has_called("unmount /data"));
}

TEST_F(DisksTest, AreNoneOfAContainersBusiness) {
    kernel.on_spawn = [this](pid_t) { kernel.after(1s, [this] { kernel.raise(SIGTERM); }); };
    EXPECT_EQ(run(Place::container), 0);
    EXPECT_FALSE(kernel.has_called("task disks"));
    EXPECT_FALSE(kernel.has_called("unmount /data"));
}

TEST_F(DisksTest, EndEvenWhenAServiceCannotBeKilled) {
    config::Service& stuck = config.service.emplace_back();
    stuck.name = "stuck";
    stuck.command = {"/bin/stuck"};
    stuck.stop_timeout = 1000;
    kernel.on_spawn = [this](pid_t process) {
        if (kernel.spawned_arguments.back().at(0) == "/bin/stuck") {
            kernel.unkillable.insert(process);
            kernel.after(1s, [this] { kernel.raise(SIGPWR); });
        }
    };
    run(Place::machine);
    EXPECT_TRUE(kernel.has_called("unmount /data"));
    EXPECT_TRUE(kernel.has_called("reboot 4321fedc"));
    EXPECT_LT(kernel.now() - kernel.spawn_times.at(0), 15s);
}

} // namespace
} // namespace vb
