#include "engine/threads.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace vb::engine {
namespace {

class UsableThreads : public testing::Test {
  protected:
    void SetUp() override {
        std::string pattern = testing::TempDir() + "vb-threads-XXXXXX";
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        root_ = pattern;
    }
    void TearDown() override { std::filesystem::remove_all(root_); }

    void write(const std::string& path, const std::string& text) const {
        const std::filesystem::path file = root_ + path;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file) << text;
    }

    std::string root_;
};

TEST_F(UsableThreads, IsTheAffinityWithoutCgroups) { EXPECT_EQ(usable_threads(6, root_), 6U); }

TEST_F(UsableThreads, IsAtLeastOne) {
    write("/proc/self/cgroup", "0::/\n");
    write("/sys/fs/cgroup/cpu.max", "20000 100000\n");
    EXPECT_EQ(usable_threads(6, root_), 1U);
    EXPECT_EQ(usable_threads(0, root_), 1U);
}

TEST_F(UsableThreads, RoundsTheQuotaDown) {
    write("/proc/self/cgroup", "0::/app\n");
    write("/sys/fs/cgroup/app/cpu.max", "350000 100000\n");
    EXPECT_EQ(usable_threads(6, root_), 3U);
    EXPECT_EQ(usable_threads(2, root_), 2U);
}

TEST_F(UsableThreads, NoQuotaIsNoLimit) {
    write("/proc/self/cgroup", "0::/app\n");
    write("/sys/fs/cgroup/app/cpu.max", "max 100000\n");
    EXPECT_EQ(usable_threads(6, root_), 6U);
}

TEST_F(UsableThreads, AnAncestorsQuotaCounts) {
    write("/proc/self/cgroup", "0::/pod/app/worker\n");
    write("/sys/fs/cgroup/pod/cpu.max", "200000 100000\n");
    write("/sys/fs/cgroup/pod/app/cpu.max", "max 100000\n");
    write("/sys/fs/cgroup/pod/app/worker/cpu.max", "400000 100000\n");
    EXPECT_EQ(usable_threads(8, root_), 2U);
}

TEST_F(UsableThreads, AContainersOwnRootCounts) {
    write("/proc/self/cgroup", "0::/\n");
    write("/sys/fs/cgroup/cpu.max", "200000 100000\n");
    EXPECT_EQ(usable_threads(8, root_), 2U);
}

TEST_F(UsableThreads, ReadsVersionOneToo) {
    write("/proc/self/cgroup", "5:memory:/x\n4:cpu,cpuacct:/pod/app\n1:cpuset:/y\n");
    write("/sys/fs/cgroup/cpu/pod/app/cpu.cfs_quota_us", "-1\n");
    write("/sys/fs/cgroup/cpu/pod/app/cpu.cfs_period_us", "100000\n");
    write("/sys/fs/cgroup/cpu/pod/cpu.cfs_quota_us", "300000\n");
    write("/sys/fs/cgroup/cpu/pod/cpu.cfs_period_us", "100000\n");
    write("/sys/fs/cgroup/cpu/y/cpu.cfs_quota_us", "100000\n"); // of cpuset's group, not of cpu's
    write("/sys/fs/cgroup/cpu/y/cpu.cfs_period_us", "100000\n");
    EXPECT_EQ(usable_threads(8, root_), 3U);
}

TEST_F(UsableThreads, NonsenseIsNoLimit) {
    for (const char* text : {"", "max", "x y", "100000", "100000 0", "-5 100000", "100000 -1"}) {
        write("/proc/self/cgroup", "0::/app\nnonsense\n::\n");
        write("/sys/fs/cgroup/app/cpu.max", text);
        EXPECT_EQ(usable_threads(4, root_), 4U) << text;
    }
}

TEST(UsableThreadsHere, IsWithinTheMachine) {
    EXPECT_GE(usable_threads(), 1U);
    EXPECT_LE(usable_threads(), 1024U);
}

} // namespace
} // namespace vb::engine
