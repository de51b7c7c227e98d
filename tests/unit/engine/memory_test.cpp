#include "engine/control_group.h"
#include "engine/memory.h"

#include "unit/engine/child_process.h"
#include "unit/engine/gguf_builder.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <vector>

namespace vb::engine {
namespace {

constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;

Options options(std::uint32_t context, std::uint32_t batch = 512) {
    Options wanted;
    wanted.context = context;
    wanted.batch = batch;
    return wanted;
}
GgufSummary summary_of(const test::GgufBuilder& builder) {
    const std::string file = builder.file();
    const auto summary = check_gguf(test::as_bytes(file), file.size(), "m");
    EXPECT_TRUE(summary.has_value()) << summary.error().message;
    return summary.value_or(GgufSummary{});
}
GgufSummary summary_of_kind(const std::string& name) {
    const auto summary = check_gguf_file(VB_MODEL_KINDS "/" + name + ".gguf");
    EXPECT_TRUE(summary.has_value()) << summary.error().message;
    return summary.value_or(GgufSummary{});
}

TEST(MemoryNeed, CountsKeysAndValuesOfTheContextAskedFor) {
    // One layer with one head of 16 numbers for keys, and as many for values.
    const GgufSummary summary = summary_of(test::smallest_model());
    EXPECT_EQ(summary.cell_bytes, 2U * 16 * 2);
    EXPECT_EQ(memory_need(summary, options(256)).cells, 256U * 64);
    EXPECT_EQ(memory_need(summary, options(256)).weights, summary.data_bytes);
    EXPECT_EQ(memory_need(summary, options(100'000)).tokens, 512U); // what it was trained for
}

TEST(MemoryNeed, KnowsOtherWaysToRemember) {
    EXPECT_EQ(summary_of_kind("weights-q4_k").cell_bytes, 2U * 16 * 2);       // key_length given
    EXPECT_EQ(summary_of_kind("architecture-jamba").cell_bytes, 2U * 16 * 2); // an array: one layer of two
    EXPECT_EQ(summary_of_kind("architecture-mamba").cell_bytes, 0U);
    EXPECT_EQ(summary_of_kind("architecture-bert").cell_bytes, 0U);
    const GgufSummary window = summary_of_kind("architecture-gemma2");
    EXPECT_EQ(window.window, 16U);
    EXPECT_EQ(memory_need(window, options(512, 32)).cells, (16U + 32) * window.cell_bytes);
}

TEST(MemoryNeed, NonsenseDoesNotOverflow) {
    GgufSummary summary;
    summary.data_bytes = summary.cell_bytes = summary.window = summary.width = summary.token_count =
        unlimited;
    const MemoryNeed need = memory_need(summary, options(4'000'000'000));
    EXPECT_LE(need.weights, std::uint64_t{1} << 48);
    EXPECT_LE(need.cells, std::uint64_t{1} << 48);
    EXPECT_LE(need.computing, 256 * mebibyte);
}

class AvailableMemoryOf : public testing::Test {
  protected:
    void SetUp() override { std::filesystem::create_directories(root_); }
    void TearDown() override { std::filesystem::remove_all(root_); }
    void write(const std::string& path, const std::string& text) const {
        std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
        std::ofstream(root_ + path) << text;
    }
    const std::string root_ = testing::TempDir() + "vb-memory-" + std::to_string(getpid());
};

TEST_F(AvailableMemoryOf, TheMachineAndNoGroup) {
    write("/proc/meminfo", "MemTotal:       2000 kB\nMemFree:         100 kB\nMemAvailable:    1000 kB\n");
    const AvailableMemory available = available_memory(root_);
    EXPECT_EQ(available.machine, 1000U * 1024);
    EXPECT_EQ(available.group, unlimited);
}

TEST_F(AvailableMemoryOf, WhatSaysNothingIsNoLimit) {
    EXPECT_EQ(available_memory(root_).machine, unlimited);
    write("/proc/self/cgroup", "0::/app\n3:memory:/app\nnonsense\n");
    write("/sys/fs/cgroup/app/memory.max", "max\n");
    write("/sys/fs/cgroup/memory/app/memory.limit_in_bytes", "9223372036854771712\n");
    EXPECT_EQ(available_memory(root_).group, unlimited);
}

TEST_F(AvailableMemoryOf, TheLeastGroupWithoutItsFilesOfVersion2) {
    write("/proc/self/cgroup", "0::/pod/app\n");
    write("/sys/fs/cgroup/pod/app/memory.max", "max\n");
    write("/sys/fs/cgroup/pod/memory.max", "1000000\n");
    write("/sys/fs/cgroup/pod/memory.current", "700000\n");
    write("/sys/fs/cgroup/pod/memory.stat",
          "anon 100000\nfile 600000\ninactive_file 400000\nactive_file 200000\n");
    const AvailableMemory available = available_memory(root_);
    EXPECT_EQ(available.group, 900'000U);
    EXPECT_EQ(available.group_limit, "memory.max of the control group /pod");
}

TEST_F(AvailableMemoryOf, Version1) {
    write("/proc/self/cgroup", "5:memory:/app\n1:cpu:/x\n");
    write("/sys/fs/cgroup/memory/app/memory.limit_in_bytes", "1000000\n");
    write("/sys/fs/cgroup/memory/app/memory.usage_in_bytes", "1200000\n"); // it was made smaller
    write("/sys/fs/cgroup/memory/app/memory.stat", "inactive_file 1\ntotal_inactive_file 300000\n");
    EXPECT_EQ(available_memory(root_).group, 100'000U);
    write("/sys/fs/cgroup/memory/app/memory.stat", "");
    EXPECT_EQ(available_memory(root_).group, 0U);
}

TEST(CheckMemory, RefusesWithTheNumbers) {
    const MemoryNeed need{
        .weights = 900 * mebibyte, .cells = 90 * mebibyte, .computing = 10 * mebibyte, .tokens = 2048};
    const std::string limit = "memory.max of the control group /pod";
    EXPECT_TRUE(check_memory("m", need, {1000 * mebibyte, unlimited, ""}, 0).has_value());
    EXPECT_TRUE(check_memory("m", need, {unlimited, 1000 * mebibyte, limit}, 0).has_value());
    const auto machine = check_memory("m", need, {999 * mebibyte, unlimited, ""}, 0);
    ASSERT_FALSE(machine.has_value());
    EXPECT_EQ(machine.error().fault, Fault::resources);
    EXPECT_EQ(
        machine.error().message,
        "m: needs about 1000 MiB of memory (weights 900 MiB, a context of 2048 tokens 90 MiB, computing 10 "
        "MiB), and there are 999 MiB (MemAvailable of the machine): take a smaller context or a smaller "
        "model");
    const auto group = check_memory("m", need, {unlimited, 999 * mebibyte, limit}, 0);
    ASSERT_FALSE(group.has_value());
    EXPECT_NE(group.error().message.find("999 MiB (memory.max of the control group /pod)"),
              std::string::npos);
    // What others have paid for does not count, as far as it is of the file.
    EXPECT_TRUE(check_memory("m", need, {unlimited, 100 * mebibyte, limit}, 900 * mebibyte).has_value());
    EXPECT_FALSE(check_memory("m", need, {unlimited, 99 * mebibyte, limit}, 2000 * mebibyte).has_value());
}

// A model of 384 MiB of weights, all of them a hole in the file.
class LargeFile {
  public:
    LargeFile() {
        test::GgufBuilder builder = test::smallest_model();
        constexpr std::int64_t width = std::int64_t{3} << 20;
        builder.tensor("large.weight", {32, width});
        const std::string header = builder.header();
        std::ofstream(path_, std::ios::binary) << header;
        std::filesystem::resize_file(path_, builder.file_size());
    }
    ~LargeFile() { std::filesystem::remove(path_); }
    LargeFile(const LargeFile&) = delete;
    LargeFile& operator=(const LargeFile&) = delete;
    const std::string& path() const { return path_; }

  private:
    const std::string path_ = testing::TempDir() + "vb-large-" + std::to_string(getpid()) + ".gguf";
};

TEST(CachedBytes, AreThoseThatWereRead) {
    const LargeFile large;
    EXPECT_LT(cached_bytes(large.path()), mebibyte);
    std::ifstream file(large.path(), std::ios::binary);
    std::vector<char> bytes(32 * mebibyte);
    file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    EXPECT_GE(cached_bytes(large.path()), 32 * mebibyte);
    EXPECT_EQ(cached_bytes("/no/such/file"), 0U);
}

// A group within the one that the test is in, where such can be made.
class OwnGroup {
  public:
    explicit OwnGroup(std::uint64_t limit) {
        for (const ControlGroup& group : control_groups("", "memory")) {
            const std::string file = group.is_version_2 ? "/memory.max" : "/memory.limit_in_bytes";
            directory_ = group.directory + "/vb-test-" + std::to_string(getpid());
            std::error_code fault;
            if (!std::filesystem::exists(group.directory + "/cgroup.procs")) { continue; }
            if (!std::filesystem::create_directory(directory_, fault)) { continue; }
            std::fstream(directory_ + file, std::ios::in | std::ios::out) << limit << std::flush;
            is_there_ = first_line(directory_ + file) == std::to_string(limit);
            if (is_there_) { return; }
            rmdir(directory_.c_str());
        }
    }
    ~OwnGroup() {
        if (is_there_) { rmdir(directory_.c_str()); }
    }
    OwnGroup(const OwnGroup&) = delete;
    OwnGroup& operator=(const OwnGroup&) = delete;
    bool is_there() const { return is_there_; }
    std::string run(const std::string& program, const std::string& file) const {
        const std::string script = testing::TempDir() + "vb-group-" + std::to_string(getpid()) + ".sh";
        std::ofstream(script) << "echo $$ > " << directory_ << "/cgroup.procs && exec " << program << ' '
                              << file << "\n";
        const test::Ended ended = test::run_on_file("/bin/sh", script);
        std::filesystem::remove(script);
        return ended.said;
    }

  private:
    std::string directory_;
    bool is_there_ = false;
};

TEST(CheckMemory, AModelThatIsTooLargeForARealControlGroup) {
    const LargeFile large;
    const OwnGroup small(128 * mebibyte);
    if (!small.is_there()) { GTEST_SKIP() << "no control group with a limit of memory can be made here"; }
    const std::string text = small.run(VB_LOAD_PROBE, large.path());
    EXPECT_NE(text.find("of memory (weights 385 MiB"), std::string::npos) << text;
    EXPECT_NE(text.find("/vb-test-" + std::to_string(getpid()) + ")"), std::string::npos) << text;
    const std::string fits = small.run(VB_LOAD_PROBE, VB_TINY_MODEL);
    EXPECT_EQ(fits.find("of memory"), std::string::npos) << fits;
}

} // namespace
} // namespace vb::engine
