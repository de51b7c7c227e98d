// PID 1's part of hotplug, on a simulated kernel.
#include "device/hotplug.h"

#include "unit/init/simulated_kernel.h"

#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/utsname.h>

namespace {

using namespace vb;
using namespace std::chrono_literals;
using simulation::SimulatedKernel;

std::vector<std::string> inserted;

base::Result<> note_insertion(const char* path, const char*) noexcept {
    inserted.emplace_back(path);
    return {};
}

std::string plug(const std::string& alias, const std::string& action = "add") {
    const char nul = '\0';
    return action + "@/devices/x" + nul + "ACTION=" + action + nul + "DEVPATH=/devices/x" + nul +
           "SUBSYSTEM=x" + nul + "MODALIAS=" + alias + nul + "SEQNUM=7" + nul;
}

class HotplugTest : public ::testing::Test {
  protected:
    void open() {
        ASSERT_TRUE(hotplug.open());
        ASSERT_EQ(kernel.task_count, 1U); // the look through sysfs
    }
    // The child that runs now has ended.
    bool ends(int wait_status = 0) {
        return hotplug.reaped(static_cast<pid_t>(100 + kernel.task_count), wait_status);
    }
    void plugged(const std::string& datagram) {
        kernel.uevent(datagram);
        hotplug.receive();
    }

    SimulatedKernel kernel;
    base::UniqueFd log_file{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
    base::Log log{log_file.get(), "test"};
    device::ModuleOptions options{.releases = "/nonexistent", .insert = note_insertion};
    device::Hotplug hotplug{kernel, log, options};
};

TEST_F(HotplugTest, LooksThroughSysfsOnceItListens) {
    open();
    EXPECT_LT(kernel.position("open_uevents"), kernel.position("task modules"));
    EXPECT_FALSE(hotplug.is_settled());
    EXPECT_FALSE(hotplug.reaped(4711, 0));
    EXPECT_TRUE(ends());
    EXPECT_TRUE(hotplug.is_settled());
    EXPECT_FALSE(hotplug.reaped(101, 0));
}

TEST_F(HotplugTest, HasOneChildAtATimeForWhateverComes) {
    open();
    plugged(plug("pci:a"));
    plugged(plug("pci:b"));
    plugged(plug("pci:a"));
    EXPECT_EQ(kernel.task_count, 1U);
    ends();
    EXPECT_EQ(kernel.task_count, 2U);
    ends();
    EXPECT_EQ(kernel.task_count, 2U);
}

TEST_F(HotplugTest, StartsNothingForWhatNeedsNoModule) {
    open();
    ends();
    plugged(plug("pci:a", "remove"));
    plugged(plug("pci:a", "change"));
    plugged(plug(""));
    plugged("nonsense");
    EXPECT_EQ(kernel.task_count, 1U);
}

TEST_F(HotplugTest, LooksEverywhereAgainWhenEventsWereLostOrAreTooMany) {
    open();
    ends();
    kernel.lose_uevents();
    hotplug.receive();
    EXPECT_EQ(kernel.task_count, 2U);
    for (std::size_t count = 0; count < 10 * device::Hotplug::most_waiting; ++count) {
        plugged(plug("pci:" + std::to_string(count)));
    }
    ends();
    EXPECT_EQ(kernel.task_count, 3U);
    ends();
    EXPECT_TRUE(hotplug.is_settled());
}

TEST_F(HotplugTest, TriesAgainWhenNoChildCanBeStarted) {
    kernel.failing["task"] = EAGAIN;
    ASSERT_TRUE(hotplug.open());
    for (int count = 0; count < 100; ++count) {
        ASSERT_TRUE(hotplug.deadline());
        plugged(plug("pci:a")); // does not spin
        EXPECT_EQ(std::ranges::count(kernel.calls, "task modules"), count + 1);
        hotplug.check_deadline(*hotplug.deadline());
    }
    kernel.failing.clear();
    hotplug.check_deadline(*hotplug.deadline());
    EXPECT_EQ(kernel.task_count, 1U);
    EXPECT_FALSE(hotplug.deadline());
}

TEST_F(HotplugTest, LoadsForWhatIsThereEvenWithoutTheSocket) {
    kernel.failing["open_uevents"] = EMFILE;
    EXPECT_FALSE(hotplug.open());
    EXPECT_EQ(hotplug.fd(), -1);
    EXPECT_EQ(kernel.task_count, 1U);
}

TEST_F(HotplugTest, SurvivesAChildThatIsKilled) {
    open();
    plugged(plug("pci:a"));
    EXPECT_TRUE(ends(SIGSEGV));
    EXPECT_EQ(kernel.task_count, 2U);
}

// A disk with a node and no module, as the kernel tells of it.
std::string disk(const std::string& action) {
    std::string datagram = action + "@/devices/sdb";
    datagram += '\0';
    for (const std::string& variable :
         {"ACTION=" + action, std::string("DEVPATH=/devices/sdb"), std::string("SUBSYSTEM=block"),
          std::string("MAJOR=8"), std::string("MINOR=16"), std::string("DEVNAME=sdb"),
          std::string("SEQNUM=8")}) {
        datagram += variable + '\0';
    }
    return datagram;
}

TEST_F(HotplugTest, KeepsTheNodesOfADevThatIsOurs) {
    kernel.directories = {{"/sys/dev/char", ""}, {"/sys/dev/block", ""}};
    hotplug.keep_nodes();
    open();
    EXPECT_LT(kernel.position("open_uevents"), kernel.position("make_node /dev/null 20666 1:3"));
    plugged(disk("add"));
    EXPECT_TRUE(kernel.has_called("make_node /dev/sdb 60600 8:16"));
    plugged(disk("remove"));
    EXPECT_TRUE(kernel.has_called("remove_file /dev/sdb"));
    kernel.lose_uevents();
    hotplug.receive();
    EXPECT_EQ(std::ranges::count(kernel.calls, "make_node /dev/null 20666 1:3"), 2);
}

TEST_F(HotplugTest, LeavesTheNodesToTheKernelThatMakesThem) {
    open();
    plugged(disk("add"));
    plugged(disk("remove"));
    kernel.lose_uevents();
    hotplug.receive();
    EXPECT_FALSE(
        std::ranges::any_of(kernel.calls, [](const std::string& call) { return call.contains("/dev/"); }));
}

TEST_F(HotplugTest, StartsNothingAtTheEnd) {
    open();
    plugged(plug("pci:a"));
    hotplug.stop();
    EXPECT_TRUE(ends());
    EXPECT_EQ(kernel.task_count, 1U);
    EXPECT_FALSE(hotplug.deadline());
}

TEST_F(HotplugTest, GivesTheChildWhatWaits) {
    char releases[] = "/tmp/vector_boot-test-XXXXXX";
    ASSERT_NE(::mkdtemp(releases), nullptr);
    utsname names{};
    ::uname(&names);
    const std::string directory = std::string(releases) + "/" + names.release;
    std::filesystem::create_directory(directory);
    std::ofstream(directory + "/modules.dep") << "a.ko:\nb.ko:\nc.ko:\n";
    std::ofstream(directory + "/modules.alias") << "alias pci:a a\nalias pci:b b\nalias pci:c c\n";
    options.releases = releases;
    options.devices = "/nonexistent";
    kernel.on_task = [](const sys::Task& task) { EXPECT_EQ(task.run(task.argument), 0); };
    inserted.clear();
    open();
    plugged(plug("pci:a"));
    plugged(plug("pci:c"));
    EXPECT_TRUE(inserted.empty());
    ends();
    EXPECT_EQ(inserted, (std::vector<std::string>{directory + "/a.ko", directory + "/c.ko"}));
    std::filesystem::remove_all(releases);
}

} // namespace
