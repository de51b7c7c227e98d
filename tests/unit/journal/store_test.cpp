#include "journal/segment_files.h"
#include "unit/journal/scratch_directory.h"

#include <csignal>
#include <cstddef>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace vb;
using journal::expect_range;
using journal::Id;
using journal::numbered;
using journal::read_directory;
using journal::ScratchDirectory;
using journal::Store;

constexpr Id first_run = {1};
constexpr Id second_run = {2};
constexpr Id boot = {0xb0};

void append(Store& store, std::uint64_t first, std::uint64_t last) {
    std::string text;
    for (std::uint64_t sequence = first; sequence <= last; ++sequence) {
        ASSERT_TRUE(store.append(numbered(sequence, text)));
    }
}

void write_run(const std::filesystem::path& path, const Id& run, std::uint64_t first, std::uint64_t last) {
    Store store({.directory = path.c_str()}, run, boot);
    ASSERT_TRUE(store.open());
    append(store, first, last);
    ASSERT_TRUE(store.sync());
    EXPECT_EQ(store.synced(), last);
}

TEST(StoreTest, KeepsWhatWasSynced) {
    const ScratchDirectory scratch;
    const auto path = scratch.path() / "log" / "vector_boot";
    const mode_t mask = ::umask(077);
    write_run(path, first_run, 1, 500);
    ::umask(mask);
    struct stat status{};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0755U);
    ASSERT_EQ(::stat((path / "0000000001.journal").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0640U);
    expect_range(read_directory(path), 1, 500);
}

TEST(StoreTest, GoesOnWhereTheSameRunStopped) {
    const ScratchDirectory scratch;
    write_run(scratch.path(), first_run, 1, 100);
    Store store({.directory = scratch.path().c_str()}, first_run, boot);
    ASSERT_TRUE(store.open());
    EXPECT_EQ(store.appended(), 100U);
    EXPECT_EQ(store.synced(), 100U);
    append(store, 101, 200);
    ASSERT_TRUE(store.sync());
    expect_range(read_directory(scratch.path()), 1, 200);
    EXPECT_EQ(scratch.segments().size(), 1U);
}

TEST(StoreTest, TellsRunsApart) {
    const ScratchDirectory scratch;
    write_run(scratch.path(), first_run, 1, 10);
    write_run(scratch.path(), second_run, 1, 20);
    EXPECT_EQ(read_directory(scratch.path()).size(), 30U);
    expect_range(read_directory(scratch.path(), "0"), 1, 20);
    expect_range(read_directory(scratch.path(), "-1"), 1, 10);
    expect_range(read_directory(scratch.path(), "01000000"), 1, 10);
    EXPECT_EQ(read_directory(scratch.path(), "b000").size(), 20U); // the newest of that boot
    EXPECT_EQ(read_directory(scratch.path(), "-2").size(), 0U);
}

TEST(StoreTest, IsWrittenByOneProcess) {
    const ScratchDirectory scratch;
    Store store({.directory = scratch.path().c_str()}, first_run, boot);
    Store other({.directory = scratch.path().c_str()}, second_run, boot);
    ASSERT_TRUE(store.open());
    EXPECT_FALSE(other.open());
    store.close();
    EXPECT_TRUE(other.open());
}

TEST(StoreTest, DeletesTheOldestSegments) {
    const ScratchDirectory scratch;
    Store store({.directory = scratch.path().c_str(), .segments = 3, .segment_bytes = 8192}, first_run, boot);
    ASSERT_TRUE(store.open());
    std::string text;
    for (std::uint64_t sequence = 1; sequence <= 2000; ++sequence) {
        ASSERT_TRUE(store.append(numbered(sequence, text)));
        if (sequence % 100 != 0) { continue; }
        const auto segments = scratch.segments();
        ASSERT_LE(segments.size(), 3U);
        for (const auto& segment : segments) {
            ASSERT_LE(std::filesystem::file_size(segment), 8192U);
        }
    }
    ASSERT_TRUE(store.sync());
    const auto entries = read_directory(scratch.path());
    EXPECT_GT(entries.size(), 80U);
    EXPECT_EQ(entries.front().lost, 0U) << "what was deleted on purpose is not lost";
    expect_range(entries, 2001 - entries.size(), 2000);

    // A run that is all over the directory is found again, also by what is in an older segment only.
    store.close();
    journal::write_file(scratch.path() / "0000099999.journal", "");
    ASSERT_TRUE(store.open());
    EXPECT_EQ(store.appended(), 2000U);
}

TEST(StoreTest, SurvivesATornEndAtEveryByte) {
    const ScratchDirectory whole;
    write_run(whole.path(), first_run, 1, 12);
    const std::string bytes = journal::read_file(whole.segments().front());
    std::size_t most = 0;
    for (std::size_t size = 0; size <= bytes.size(); ++size) {
        const ScratchDirectory torn;
        journal::write_file(torn.path() / "0000000001.journal", bytes.substr(0, size));
        const auto left = read_directory(torn.path());
        if (!left.empty()) { expect_range(left, 1, left.size()); }
        ASSERT_GE(left.size(), most) << size;
        most = left.size();
        // The next run writes behind what is whole.
        write_run(torn.path(), second_run, 1, 3);
        ASSERT_EQ(read_directory(torn.path()).size(), left.size() + 3) << size;
        expect_range(read_directory(torn.path(), "0"), 1, 3);
        // The same run goes on where its disk ends.
        Store store({.directory = torn.path().c_str()}, first_run, boot);
        ASSERT_TRUE(store.open());
    }
    EXPECT_EQ(most, 12U);
}

TEST(StoreTest, GoesOnBehindATornEndOfItsOwn) {
    const ScratchDirectory whole;
    write_run(whole.path(), first_run, 1, 12);
    const std::string bytes = journal::read_file(whole.segments().front());
    for (std::size_t size = 0; size <= bytes.size(); size += 3) {
        const ScratchDirectory torn;
        journal::write_file(torn.path() / "0000000001.journal", bytes.substr(0, size));
        Store store({.directory = torn.path().c_str()}, first_run, boot);
        ASSERT_TRUE(store.open());
        append(store, store.appended() + 1, 15);
        ASSERT_TRUE(store.sync());
        expect_range(read_directory(torn.path()), 1, 15);
    }
}

TEST(StoreTest, ReturnsNothingThatABitFlipChanged) {
    const ScratchDirectory whole;
    write_run(whole.path(), first_run, 1, 12);
    const std::string bytes = journal::read_file(whole.segments().front());
    const ScratchDirectory flipped;
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        std::string damaged = bytes;
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
        journal::write_file(flipped.path() / "0000000001.journal", damaged);
        const auto left = read_directory(flipped.path());
        // One frame is gone, and the rest is still there: where it was a record, with the gap counted.
        ASSERT_GE(left.size(), 11U) << bit;
        std::uint64_t lost = 0;
        for (const auto& entry : left) {
            lost += entry.lost;
        }
        ASSERT_LE(lost, 1U) << bit;
    }
}

TEST(StoreTest, IgnoresWhatIsNoSegment) {
    const ScratchDirectory scratch;
    for (const char* const name :
         {"1.journal", "000000000x.journal", "0000000000.journal", "0000000001.journal~"}) {
        journal::write_file(scratch.path() / name, "x");
        EXPECT_EQ(journal::segment_number(name), 0U);
    }
    std::filesystem::create_directory(scratch.path() / "0000000007.journal");
    std::filesystem::create_symlink("/dev/zero", scratch.path() / "0000000008.journal");
    write_run(scratch.path(), first_run, 1, 5);
    expect_range(read_directory(scratch.path()), 1, 5);
    EXPECT_TRUE(std::filesystem::exists(scratch.path() / "0000000009.journal"));
}

TEST(StoreTest, WritesAgainWhatSomebodyDeleted) {
    const ScratchDirectory scratch;
    Store store({.directory = scratch.path().c_str()}, first_run, boot);
    ASSERT_TRUE(store.open());
    append(store, 1, 10);
    ASSERT_TRUE(store.sync());
    std::filesystem::remove(scratch.segments().front());
    append(store, 11, 20);
    EXPECT_FALSE(store.sync());
    EXPECT_FALSE(store.is_open());
    ASSERT_TRUE(store.open());
    EXPECT_EQ(store.appended(), 0U);
    append(store, 1, 20);
    ASSERT_TRUE(store.sync());
    expect_range(read_directory(scratch.path()), 1, 20);
}

// RLIMIT_FSIZE cuts a write short and then refuses it, at every byte of a frame: as a full disk does.
TEST(StoreTest, GoesOnWhenThereIsRoomAgain) {
    ::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    for (rlim_t room = 1; room < 2000; room += 13) {
        const ScratchDirectory scratch;
        Store store({.directory = scratch.path().c_str()}, first_run, boot);
        ASSERT_TRUE(store.open());
        append(store, 1, 5);
        ASSERT_TRUE(store.sync());
        const auto size = std::filesystem::file_size(scratch.segments().front());
        append(store, 6, 30);
        const rlimit full{.rlim_cur = size + room, .rlim_max = before.rlim_max};
        ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);
        const auto synced = store.sync();
        const auto again = store.sync();
        ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
        ASSERT_FALSE(synced);
        EXPECT_EQ(synced.error().number, EFBIG);
        ASSERT_FALSE(again);
        EXPECT_EQ(store.synced(), 5U);
        const auto meanwhile = read_directory(scratch.path());
        expect_range(meanwhile, 1, meanwhile.size());
        ASSERT_GE(meanwhile.size(), 5U);
        ASSERT_TRUE(store.sync());
        expect_range(read_directory(scratch.path()), 1, 30);
    }
}

// In a mount namespace of its own, where the kernel lets us have one: exit status 77 says that it did not.
constexpr int not_allowed = 77;
template <class Test>
int in_own_mounts(const char* path, const char* options, Test test) {
    const pid_t child = ::fork();
    if (child == 0) {
        const bool has_rights = ::unshare(CLONE_NEWNS) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0;
        if (!has_rights || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount("none", path, "tmpfs", 0, options) != 0) {
            ::_exit(not_allowed);
        }
        test();
        ::_exit(testing::Test::HasFailure() ? 1 : 0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(StoreTest, SurvivesAFullDisk) {
    const ScratchDirectory scratch;
    const int status = in_own_mounts(scratch.path().c_str(), "size=64k", [&] {
        const auto ballast = scratch.path() / "ballast";
        const auto path = scratch.path() / "log";
        journal::write_file(ballast, std::string(40'000, 'x'));
        Store store({.directory = path.c_str()}, first_run, boot);
        ASSERT_TRUE(store.open());
        std::string text;
        std::uint64_t sequence = 1;
        base::Result<> appended;
        while (sequence < 10'000 && (appended = store.append(numbered(sequence, text)))) {
            ++sequence;
        }
        ASSERT_FALSE(appended);
        EXPECT_EQ(appended.error().number, ENOSPC);
        EXPECT_EQ(store.appended(), sequence - 1);
        const auto meanwhile = read_directory(path);
        ASSERT_GT(meanwhile.size(), 20U);
        expect_range(meanwhile, 1, meanwhile.size());
        std::filesystem::remove(ballast);
        append(store, sequence, sequence + 10);
        ASSERT_TRUE(store.sync());
        expect_range(read_directory(path), 1, sequence + 10);
    });
    if (status == not_allowed) { GTEST_SKIP() << "mounting is not allowed here"; }
    EXPECT_EQ(status, 0);
}

TEST(StoreTest, SurvivesAReadOnlyDisk) {
    const ScratchDirectory scratch;
    const int status = in_own_mounts(scratch.path().c_str(), "size=1m", [&] {
        const auto remount = [&](unsigned long flags) {
            ASSERT_EQ(::mount(nullptr, scratch.path().c_str(), nullptr, MS_REMOUNT | flags, "size=1m"), 0);
        };
        const auto path = scratch.path() / "log";
        Store store({.directory = path.c_str()}, first_run, boot);
        remount(MS_RDONLY);
        const auto refused = store.open();
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().number, EROFS);
        remount(0);
        ASSERT_TRUE(store.open());
        append(store, 1, 5);
        ASSERT_TRUE(store.sync());
        store.close();
        remount(MS_RDONLY);
        EXPECT_FALSE(store.open());
        expect_range(read_directory(path), 1, 5);
    });
    if (status == not_allowed) { GTEST_SKIP() << "mounting is not allowed here"; }
    EXPECT_EQ(status, 0);
}

// From here on every fdatasync(2) of this process fails.
bool break_fdatasync() {
    sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fdatasync, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EIO),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog filter{.len = std::size(program), .filter = program};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

TEST(StoreTest, GoesBackToWhatIsSureWhenASyncFails) {
    const ScratchDirectory scratch;
    const pid_t child = ::fork();
    if (child == 0) {
        Store store({.directory = scratch.path().c_str()}, first_run, boot);
        EXPECT_TRUE(store.open());
        append(store, 1, 5);
        EXPECT_TRUE(store.sync());
        if (!break_fdatasync()) { ::_exit(not_allowed); }
        append(store, 6, 10);
        const auto synced = store.sync();
        EXPECT_FALSE(synced);
        EXPECT_EQ(synced.error().number, EIO);
        EXPECT_EQ(store.synced(), 5U);
        EXPECT_FALSE(store.is_open());
        // The kernel would say that all is well with what it has dropped: nobody may find it in the file.
        expect_range(read_directory(scratch.path()), 1, 5);
        ::_exit(testing::Test::HasFailure() ? 1 : 0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WEXITSTATUS(status) == not_allowed) { GTEST_SKIP() << "seccomp filters are not allowed here"; }
    ASSERT_EQ(status, 0);
    Store store({.directory = scratch.path().c_str()}, first_run, boot);
    ASSERT_TRUE(store.open());
    EXPECT_EQ(store.appended(), 5U);
}

} // namespace
