// The parts of PID 1 that are decisions and texts: mounts, the network word, the environment, notifications.
#include "init/environment.h"
#include "init/machine.h"
#include "init/mounts.h"
#include "init/network.h"
#include "init/notification.h"
#include "init/passed_socket.h"
#include "init/place.h"

#include "unit/init/simulated_kernel.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

namespace {

using namespace vb;
using simulation::SimulatedKernel;

const base::UniqueFd null_file(::open("/dev/null", O_WRONLY | O_CLOEXEC));
const base::Log quiet(null_file.get(), "test");

TEST(Place, IsAMachineOnlyInTheFirstNamespace) {
    SimulatedKernel kernel;
    kernel.initial_namespace = true;
    EXPECT_EQ(init::prepare_place(kernel, quiet), init::Place::machine);
    EXPECT_EQ(kernel.calls.front(), "reboot 0"); // LINUX_REBOOT_CMD_CAD_OFF
    EXPECT_LT(kernel.position("mount /proc"), kernel.position("mount /sys"));
    EXPECT_TRUE(kernel.has_called("mount /sys/fs/cgroup"));
    EXPECT_TRUE(kernel.has_called("open_console"));
}

TEST(Place, LeavesAContainersMountsAlone) {
    SimulatedKernel kernel;
    kernel.files["/proc/sys/kernel/pid_max"] = "4194304\n";
    EXPECT_EQ(init::prepare_place(kernel, quiet), init::Place::container);
    EXPECT_TRUE(kernel.calls.empty());
}

TEST(Place, AdoptsOrphansOutsidePid1EvenWhereThatIsRefused) {
    SimulatedKernel kernel;
    kernel.own_process_id = 77;
    kernel.failing["become_subreaper"] = EPERM;
    EXPECT_EQ(init::prepare_place(kernel, quiet), init::Place::process);
    EXPECT_TRUE(kernel.has_called("become_subreaper"));
}

TEST(Place, GoesOnWhenAMountFails) {
    SimulatedKernel kernel;
    kernel.initial_namespace = true;
    kernel.failing["mount"] = EPERM;
    kernel.failing["open_console"] = ENOENT;
    EXPECT_EQ(init::prepare_place(kernel, quiet), init::Place::machine);
}

TEST(Mounts, AreNotStackedOnWhatIsMounted) {
    SimulatedKernel kernel;
    kernel.files["/proc/self/mountinfo"] =
        "22 20 0:3 / /run rw - tmpfs tmpfs rw\n23 20 0:4 / /dev rw - devtmpfs d rw\n";
    init::mount_early(kernel, quiet);
    EXPECT_FALSE(kernel.has_called("mount /run"));
    EXPECT_FALSE(kernel.has_called("mount /dev"));
    EXPECT_TRUE(kernel.has_called("mount /dev/pts"));
    EXPECT_TRUE(kernel.has_called("mount /sys"));
}

TEST(Mounts, MakeTheNodesWhereTheKernelHasNoDevtmpfs) {
    SimulatedKernel kernel;
    kernel.initial_namespace = true;
    kernel.directories = {{"/sys/dev/char", ""}, {"/sys/dev/block", "254:0\n"}};
    kernel.files["/sys/dev/block/254:0/uevent"] = "MAJOR=254\nMINOR=0\nDEVNAME=vda\n";
    kernel.failing["mount /dev"] = ENODEV;
    kernel.on_call = [&kernel, seen = 0](const std::string& call) mutable {
        if (call != "mount /dev" || ++seen < 2) { return; }
        kernel.failing.clear(); // the second one is a tmpfs
        kernel.files["/proc/self/mountinfo"] =
            "22 20 0:3 / /dev rw,nosuid shared:2 - tmpfs tmpfs rw,mode=755\n";
    };
    EXPECT_EQ(init::prepare_place(kernel, quiet), init::Place::machine);
    EXPECT_EQ(std::ranges::count(kernel.calls, "mount /dev"), 2);
    EXPECT_TRUE(init::has_own_nodes(kernel));
    std::size_t last = 0;
    for (const std::string call : {"mount /sys", "mount /dev/pts", "mount /dev/shm",
                                   "make_node /dev/console 20600 5:1", "open_console"}) {
        ASSERT_NE(kernel.position(call), std::string::npos) << call;
        EXPECT_LE(last, kernel.position(call)) << call;
        last = kernel.position(call);
    }
    EXPECT_TRUE(kernel.has_called("make_node /dev/vda 60600 254:0"));
    EXPECT_TRUE(kernel.has_called("make_link /dev/fd"));
}

TEST(Mounts, LeaveTheNodesToTheKernelThatHasDevtmpfs) {
    SimulatedKernel kernel;
    constexpr std::string_view devtmpfs = "22 20 0:3 / /dev rw - devtmpfs udev rw\n";
    constexpr std::string_view tmpfs = "23 20 0:4 / /dev rw - tmpfs tmpfs rw\n";
    for (const auto& [mountinfo, own] :
         {std::pair(std::string(devtmpfs), false), std::pair(std::string(tmpfs), true),
          std::pair(std::string(devtmpfs).append(tmpfs), true),
          std::pair(std::string(tmpfs).append(devtmpfs), false),
          std::pair(std::string("20 1 0:1 / / rw - ext4 /dev/vda rw\n"), false)}) {
        kernel.files["/proc/self/mountinfo"] = mountinfo;
        EXPECT_EQ(init::has_own_nodes(kernel), own) << mountinfo;
    }
    kernel.failing["mount /dev"] = EPERM; // another fault is no reason to cover what is there
    init::mount_early(kernel, quiet);
    EXPECT_EQ(std::ranges::count(kernel.calls, "mount /dev"), 1);
    EXPECT_FALSE(kernel.has_called("make_link /dev/fd"));
}

TEST(Mounts, AreFoundByTheirFifthField) {
    constexpr std::string_view lines = "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw\n";
    EXPECT_TRUE(init::is_mount_point(lines, "/mnt2"));
    EXPECT_FALSE(init::is_mount_point(lines, "/mnt1"));
    EXPECT_FALSE(init::is_mount_point("", "/"));
    EXPECT_FALSE(init::is_mount_point("36 35\n\n", ""
                                                   "/"));
}

TEST(IpWord, SetsAddressNetmaskGatewayAndDevice) {
    const auto interface = init::parse_ip_word("10.0.2.15::10.0.2.2:255.255.0.0::vec0:off");
    ASSERT_TRUE(interface);
    EXPECT_EQ(interface->address.s_addr, inet_addr("10.0.2.15"));
    EXPECT_EQ(interface->gateway.s_addr, inet_addr("10.0.2.2"));
    EXPECT_EQ(interface->netmask.s_addr, inet_addr("255.255.0.0"));
    EXPECT_EQ(interface->name, "vec0");
}

TEST(IpWord, NeedsOnlyTheAddress) {
    const auto interface = init::parse_ip_word("192.168.7.2");
    ASSERT_TRUE(interface);
    EXPECT_EQ(interface->netmask.s_addr, inet_addr("255.255.255.0"));
    EXPECT_EQ(interface->gateway.s_addr, 0U);
    EXPECT_EQ(interface->name, "eth0");
}

TEST(IpWord, SaysWhatIsWrong) {
    for (const char* const word : {"dhcp", "", "10.0.2.15::gateway:", "10.0.2.15:::255.255:", "1.2.3.4.5",
                                   "192.168.100.2001", "10.0.2.15:::::a-name-that-is-too-long:off"}) {
        const auto interface = init::parse_ip_word(word);
        ASSERT_FALSE(interface) << word;
        EXPECT_NE(interface.error().detail.view().find("expected"), std::string_view::npos);
    }
}

TEST(Environment, ReplacesAndKeepsDefaults) {
    char path[] = "PATH=/mine", listen[] = "LISTEN_FDS=9";
    char* inherited[] = {path, listen, nullptr};
    init::Environment environment(inherited, true);
    EXPECT_TRUE(environment.set_default("PATH", "/other"));
    EXPECT_TRUE(environment.set("LISTEN_FDS", "1"));
    char* const slot = environment.set_process_id("LISTEN_PID");
    slot[0] = '7', slot[1] = '\0';
    std::vector<std::string> all;
    for (char* const* variable = environment.variables(); *variable != nullptr; ++variable) {
        all.emplace_back(*variable);
    }
    EXPECT_EQ(all, (std::vector<std::string>{"PATH=/mine", "LISTEN_FDS=1", "LISTEN_PID=7"}));
}

TEST(Environment, KeepsWhateverItInheritsAndAddsAFew) {
    std::vector<std::string> many;
    for (int number = 0; number < 1000; ++number) {
        many.push_back("V" + std::to_string(number) + "=x");
    }
    std::vector<char*> inherited;
    for (std::string& variable : many) {
        inherited.push_back(variable.data());
    }
    inherited.push_back(nullptr);
    init::Environment environment(inherited.data(), true);
    EXPECT_TRUE(environment.set("A", "b"));
    EXPECT_FALSE(environment.set("TOO_LONG", std::string(500, 'x')));
    for (int number = 0; number < 100; ++number) {
        environment.set("N" + std::to_string(number), "1");
    }
    std::size_t count = 0;
    while (environment.variables()[count] != nullptr) {
        ++count;
    }
    EXPECT_EQ(count, 1016U);
}

TEST(Notification, IsReadLineByLine) {
    const auto notification = init::parse_notification("STATUS=loading\nX=1\nREADY=1\n");
    EXPECT_TRUE(notification.ready);
    EXPECT_EQ(notification.status, "loading");
    EXPECT_FALSE(init::parse_notification("STOPPING=1").ready);
    EXPECT_FALSE(init::parse_notification("READY=10").ready);
    EXPECT_FALSE(init::parse_notification("").ready);
}

TEST(Machine, ParametersArePathsAsSysctlHasThem) {
    EXPECT_EQ(init::parameter_path("vm.swappiness"), "/proc/sys/vm/swappiness");
    EXPECT_EQ(init::parameter_path("net/ipv4/conf/eth0.1/forwarding"),
              "/proc/sys/net/ipv4/conf/eth0.1/forwarding");
    EXPECT_EQ(init::parameter_path("plain"), "/proc/sys/plain");
}

TEST(Machine, MountOptionsAreFlagsOrTheFileSystems) {
    const auto parsed = init::parse_mount_options("ro,noatime,data=journal,,rw,nosuid,size=1M");
    EXPECT_EQ(parsed.flags, static_cast<unsigned long>(MS_NOATIME | MS_NOSUID));
    EXPECT_EQ(parsed.data, "data=journal,size=1M");
    EXPECT_TRUE(init::parse_mount_options("").data.empty());
    EXPECT_EQ(init::parse_mount_options("rbind").flags, static_cast<unsigned long>(MS_BIND | MS_REC));
}

TEST(PassedSocket, IsTheOneForUs) {
    const auto find = [](std::vector<const char*> variables) {
        variables.push_back(nullptr);
        return init::find_passed_socket(const_cast<char* const*>(variables.data()), 1).value_or(-1);
    };
    EXPECT_EQ(find({"LISTEN_PID=1", "LISTEN_FDS=1"}), 3);
    EXPECT_EQ(find({"LISTEN_PID=1", "LISTEN_FDS=3", "LISTEN_FDNAMES=a:b:http"}), 5);
    EXPECT_EQ(find({"LISTEN_PID=1", "LISTEN_FDS=2", "LISTEN_FDNAMES=a:b"}), 3);
    EXPECT_EQ(find({"LISTEN_PID=2", "LISTEN_FDS=1"}), -1);
    EXPECT_EQ(find({"LISTEN_PID=1", "LISTEN_FDS=0"}), -1);
    EXPECT_EQ(find({"LISTEN_PID=1", "LISTEN_FDS=2", "LISTEN_FDNAMES=a:b:http"}), -1);
    EXPECT_EQ(find({"LISTEN_PIDS=1", "LISTEN_FDS=1"}), -1);
    EXPECT_EQ(find({}), -1);
}

TEST(Notification, HasWhatAChildSaysOfItsLife) {
    const auto notification =
        init::parse_notification("RELOADING=1\nSTOPPING=1\nWATCHDOG=1\nWATCHDOG_USEC=20000000\nMAINPID=4711\n"
                                 "ERRNO=2\nEXTEND_TIMEOUT_USEC=1500");
    EXPECT_TRUE(notification.reloading && notification.stopping && notification.alive);
    EXPECT_FALSE(notification.stuck || notification.ready);
    EXPECT_EQ(notification.watchdog_interval, std::chrono::seconds(20));
    EXPECT_EQ(notification.more_time, std::chrono::microseconds(1500));
    EXPECT_EQ(notification.main_process, 4711);
    EXPECT_EQ(notification.error_number, 2);
    EXPECT_TRUE(init::parse_notification("WATCHDOG=trigger").stuck);
    EXPECT_EQ(init::parse_notification("WATCHDOG_USEC=0").watchdog_interval, base::Nanoseconds{});
}

TEST(Notification, PassesOverNumbersThatAreNone) {
    for (const char* const datagram :
         {"WATCHDOG_USEC=", "WATCHDOG_USEC=-1", "WATCHDOG_USEC=1s", "WATCHDOG_USEC=18446744073709551615",
          "MAINPID=0", "MAINPID=-1", "MAINPID=99999999999", "ERRNO=x", "ERRNO=-2", "EXTEND_TIMEOUT_USEC= 1",
          "WATCHDOG=2", "WATCHDOG", "=1", "STOPPING=0", "RELOADING=yes"}) {
        const auto notification = init::parse_notification(datagram);
        EXPECT_FALSE(notification.watchdog_interval || notification.more_time) << datagram;
        EXPECT_EQ(notification.main_process, 0) << datagram;
        EXPECT_EQ(notification.error_number, 0) << datagram;
        EXPECT_FALSE(notification.alive || notification.stuck || notification.stopping ||
                     notification.reloading)
            << datagram;
    }
}

} // namespace
