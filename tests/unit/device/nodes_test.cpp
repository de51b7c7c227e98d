// Device nodes, real ones where the tests may make them.
#include "device/nodes.h"

#include "base/unique_fd.h"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace {

using namespace vb;
namespace fs = std::filesystem;

class NodesTest : public ::testing::Test {
  protected:
    void TearDown() override { fs::remove_all(directory); }
    struct stat status_of(const std::string& name) {
        struct stat status{};
        EXPECT_EQ(::lstat((directory + "/" + name).c_str(), &status), 0) << name;
        return status;
    }
    std::string directory = [] {
        char name[] = "/tmp/vector_boot-test-XXXXXX";
        return std::string(::mkdtemp(name));
    }();
    base::UniqueFd log_file{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
    base::Log log{log_file.get(), "test"};
};

TEST_F(NodesTest, AreThoseOfTheKernelWhateverTheUmask) {
    const mode_t umask_before = ::umask(077);
    const int failed = device::make_nodes(directory.c_str(), log);
    ::umask(umask_before);
    EXPECT_EQ(fs::read_symlink(directory + "/ptmx"), "pts/ptmx");
    EXPECT_EQ(fs::read_symlink(directory + "/fd"), "/proc/self/fd");
    EXPECT_EQ(fs::read_symlink(directory + "/stderr"), "/proc/self/fd/2");
    if (failed == 8) { GTEST_SKIP() << "device nodes cannot be made here"; }
    EXPECT_EQ(failed, 0);
    const struct stat null = status_of("null");
    EXPECT_EQ(null.st_mode, mode_t{S_IFCHR | 0666});
    EXPECT_EQ(null.st_rdev, ::makedev(1, 3));
    EXPECT_EQ(status_of("console").st_mode, mode_t{S_IFCHR | 0600});
    EXPECT_EQ(status_of("console").st_rdev, ::makedev(5, 1));
    struct stat real{};
    ASSERT_EQ(::stat("/dev/urandom", &real), 0);
    EXPECT_EQ(status_of("urandom").st_rdev, real.st_rdev);
}

TEST_F(NodesTest, LeaveWhatIsThereAlone) {
    const base::UniqueFd there(::open((directory + "/null").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    fs::create_symlink("elsewhere", directory + "/ptmx");
    EXPECT_LE(device::make_nodes(directory.c_str(), log), 7);
    EXPECT_EQ(status_of("null").st_mode, mode_t{S_IFREG | 0600});
    EXPECT_EQ(fs::read_symlink(directory + "/ptmx"), "elsewhere");
}

TEST_F(NodesTest, CountWhatCannotBeMade) { EXPECT_EQ(device::make_nodes("/nonexistent", log), 13); }

} // namespace
