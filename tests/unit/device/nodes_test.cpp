// Device nodes: what is asked of the kernel, and real ones for the machine's real sysfs where the tests may make them.
#include "device/nodes.h"

#include "sys/native_kernel.h"
#include "unit/init/simulated_kernel.h"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace {

using namespace vb;
namespace fs = std::filesystem;
using simulation::SimulatedKernel;

const base::UniqueFd null_file(::open("/dev/null", O_WRONLY | O_CLOEXEC));
const base::Log quiet(null_file.get(), "test");

class RealNodesTest : public ::testing::Test {
  protected:
    void TearDown() override { fs::remove_all(directory); }
    struct stat status_of(const std::string& name) {
        struct stat status{};
        EXPECT_EQ(::lstat((directory + "/" + name).c_str(), &status), 0) << name;
        return status;
    }
    bool may_make_nodes() {
        const std::string path = directory + "/probe";
        return ::mknod(path.c_str(), S_IFCHR | 0600, ::makedev(1, 3)) == 0 && ::unlink(path.c_str()) == 0;
    }
    std::string directory = [] {
        char name[] = "/tmp/vector_boot-test-XXXXXX";
        return std::string(::mkdtemp(name));
    }();
    device::NodePlaces places{.nodes = directory.c_str()};
    sys::NativeKernel kernel;
};

TEST_F(RealNodesTest, AreThoseOfTheKernelWhateverTheUmask) {
    if (!may_make_nodes()) { GTEST_SKIP() << "device nodes cannot be made here: " << strerrordesc_np(errno); }
    const mode_t umask_before = ::umask(077);
    const int failed = device::make_nodes(kernel, quiet, places);
    ::umask(umask_before);
    EXPECT_EQ(failed, 0);
    EXPECT_EQ(fs::read_symlink(directory + "/ptmx"), "pts/ptmx");
    EXPECT_EQ(fs::read_symlink(directory + "/fd"), "/proc/self/fd");
    EXPECT_EQ(fs::read_symlink(directory + "/stderr"), "/proc/self/fd/2");
    const struct stat null = status_of("null");
    EXPECT_EQ(null.st_mode, mode_t{S_IFCHR | 0666});
    EXPECT_EQ(null.st_rdev, ::makedev(1, 3));
    EXPECT_EQ(status_of("console").st_mode, mode_t{S_IFCHR | 0600});
    struct stat real{};
    ASSERT_EQ(::stat("/dev/urandom", &real), 0);
    EXPECT_EQ(status_of("urandom").st_rdev, real.st_rdev);
}

TEST_F(RealNodesTest, AreThereForEachDeviceInSysfs) {
    if (!may_make_nodes()) { GTEST_SKIP() << "device nodes cannot be made here: " << strerrordesc_np(errno); }
    ASSERT_EQ(device::make_nodes(kernel, quiet, places), 0);
    std::size_t count = 0;
    for (const char* const kind : {"block", "char"}) {
        for (const auto& entry : fs::directory_iterator(std::string("/sys/dev/") + kind)) {
            std::string line, name;
            std::ifstream uevent(entry.path() / "uevent");
            while (std::getline(uevent, line)) {
                if (line.starts_with("DEVNAME=")) { name = line.substr(8); }
            }
            if (name.empty() || name == "ptmx") { continue; } // which is a link of ours
            const struct stat made = status_of(name);
            EXPECT_EQ(std::to_string(::major(made.st_rdev)) + ":" + std::to_string(::minor(made.st_rdev)),
                      entry.path().filename());
            EXPECT_EQ(S_ISBLK(made.st_mode), kind == std::string_view("block")) << name;
            ++count;
        }
    }
    EXPECT_GT(count, 5U);
}

TEST_F(RealNodesTest, LeaveWhatIsThereAlone) {
    const base::UniqueFd there(::open((directory + "/null").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    fs::create_symlink("elsewhere", directory + "/ptmx");
    (void)device::make_nodes(kernel, quiet, places);
    EXPECT_EQ(status_of("null").st_mode, mode_t{S_IFREG | 0600});
    EXPECT_EQ(fs::read_symlink(directory + "/ptmx"), "elsewhere");
}

TEST_F(RealNodesTest, CountWhatCannotBeMade) {
    EXPECT_EQ(device::make_nodes(kernel, quiet, {.nodes = "/nonexistent", .devices = "/nonexistent"}), 15);
}

class NodesTest : public ::testing::Test {
  protected:
    NodesTest() {
        kernel.directories["/sys/dev/char"] = "13:64\n1:3\n4:1\n9:9\n";
        kernel.directories["/sys/dev/block"] = "254:1\n";
        kernel.files["/sys/dev/char/13:64/uevent"] = "MAJOR=13\nMINOR=64\nDEVNAME=input/event0\n";
        kernel.files["/sys/dev/char/1:3/uevent"] = "MAJOR=1\nMINOR=3\nDEVNAME=null\nDEVMODE=0666\n";
        kernel.files["/sys/dev/char/4:1/uevent"] = "DRIVER=without a node\n"; // and 9:9 has just gone
        kernel.files["/sys/dev/block/254:1/uevent"] = "MAJOR=254\nMINOR=1\nDEVNAME=vda1\nDEVTYPE=partition\n";
    }
    // As the kernel tells of a device.
    void tell(device::Uevent::Action action, std::string_view name, std::string_view mode = "") {
        device::Uevent event;
        event.action = action;
        event.subsystem = "block";
        event.device_name = name;
        event.major = "8", event.minor = "16", event.mode = mode;
        device::follow(kernel, quiet, event);
    }
    SimulatedKernel kernel;
};

TEST_F(NodesTest, HaveTheirNumberTheirModeAndTheirType) {
    EXPECT_EQ(device::make_nodes(kernel, quiet), 0);
    EXPECT_TRUE(kernel.has_called("make_node /dev/null 20666 1:3"));
    EXPECT_TRUE(kernel.has_called("make_node /dev/console 20600 5:1"));
    EXPECT_TRUE(kernel.has_called("make_node /dev/input/event0 20600 13:64"));
    EXPECT_TRUE(kernel.has_called("make_node /dev/vda1 60600 254:1"));
    EXPECT_TRUE(kernel.has_called("make_link /dev/stdin"));
}

TEST_F(NodesTest, ComeAndGoWithTheirDevices) {
    using enum device::Uevent::Action;
    tell(add, "sdb", "0660");
    tell(change, "sdb");
    EXPECT_EQ(kernel.calls, std::vector<std::string>{"make_node /dev/sdb 60660 8:16"});
    tell(remove, "sdb");
    EXPECT_EQ(kernel.calls.back(), "remove_file /dev/sdb");
}

TEST_F(NodesTest, AreNotMadeWhereTheirNameLeadsElsewhere) {
    for (const char* const name : {"", "/etc/passwd", "../etc/x", "a/../../x", "a//b", "a/", "."}) {
        tell(device::Uevent::Action::add, name);
    }
    tell(device::Uevent::Action::add, "sdb", "rw");
    tell(device::Uevent::Action::add, "sdb", "4755");
    tell(device::Uevent::Action::add, std::string(300, 'x'));
    EXPECT_TRUE(kernel.calls.empty()) << kernel.calls.front();
}

} // namespace
