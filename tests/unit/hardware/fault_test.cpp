// Devices that vanish while they are read, and faults that are none of ours.
#include "hardware/region.h"
#include "unit/hardware/scratch.h"
#include "unit/sanitized.h"

#include <atomic>
#include <csetjmp>
#include <csignal>
#include <gtest/gtest.h>
#include <thread>
#include <vector>

namespace vb::hardware {
namespace {

constexpr std::size_t file_size = 8192;

class FaultTest : public ::testing::Test {
  protected:
    void unplug() const { ASSERT_EQ(::ftruncate(file.get(), 0), 0); }
    void plug_in() const { ASSERT_EQ(::ftruncate(file.get(), file_size), 0); }

    base::UniqueFd file = memory_file(file_size);
    Region region = *Region::map(file.get(), {.size = file_size}, Access::read_write, "sensor");
};

TEST_F(FaultTest, ReadOfWhatIsGoneIsAnError) {
    ASSERT_TRUE(region.read<std::uint32_t>(4));
    unplug();
    const auto value = region.read<std::uint32_t>(4);
    EXPECT_EQ(reason(value),
              "read sensor: there is nothing at offset 0x4 any more: Input/output error (EIO)");
    EXPECT_FALSE(region.read<std::uint8_t>(1));
    EXPECT_FALSE(region.read<std::uint16_t>(2));
    EXPECT_FALSE(region.read<std::uint64_t>(8));
}

TEST_F(FaultTest, WriteToWhatIsGoneIsAnError) {
    unplug();
    EXPECT_EQ(reason(region.write(8, std::uint64_t{1})),
              "write sensor: there is nothing at offset 0x8 any more: Input/output error (EIO)");
    EXPECT_FALSE(region.write(1, std::uint8_t{1}));
    EXPECT_FALSE(region.write(2, std::uint16_t{1}));
    EXPECT_FALSE(region.write(4, std::uint32_t{1}));
}

TEST_F(FaultTest, WorksAgainWhenTheDeviceIsBack) {
    for (int count = 0; count < 1000; ++count) {
        unplug();
        EXPECT_FALSE(region.read<std::uint32_t>(0));
        plug_in();
        EXPECT_TRUE(region.write(0, std::uint32_t{5}));
        EXPECT_EQ(region.read<std::uint32_t>(0), 5U);
    }
}

TEST_F(FaultTest, ABlockSaysWhereItEnds) {
    ASSERT_EQ(::ftruncate(file.get(), 4096), 0); // half of it is there
    std::vector<std::byte> bytes(file_size, std::byte{7});
    EXPECT_EQ(reason(region.write_block(Width::bits32, 0, bytes)),
              "write sensor: there is nothing at offset 0x1000 any more: Input/output error (EIO)");
    EXPECT_EQ(region.read<std::uint8_t>(4095), 7U);
    EXPECT_FALSE(region.read_block(Width::bits8, 0, bytes));
}

TEST_F(FaultTest, AMappingThatIsGoneIsAnErrorToo) {
    // Somebody else's bug; the page is put back for the destructor.
    void* const page = reinterpret_cast<void*>(region.address()); // NOLINT(performance-no-int-to-ptr)
    ASSERT_EQ(::mprotect(page, file_size, PROT_NONE), 0);
    EXPECT_EQ(reason(region.read<std::uint32_t>(0)),
              "read sensor: there is nothing at offset 0x0 any more: No such device or address (ENXIO)");
}

TEST_F(FaultTest, EachThreadGetsItsOwnErrors) {
    const base::UniqueFd other_file = memory_file(file_size);
    auto present = Region::map(other_file.get(), {.size = file_size}, Access::read_write, "present");
    ASSERT_TRUE(present);
    unplug();
    std::atomic<int> wrong = 0;
    const auto work = [&](std::size_t number) {
        for (std::uint32_t count = 0; count < 2000; ++count) {
            const bool is_gone = !region.read<std::uint32_t>(number * 4);
            const bool is_written = present->write(number * 4, count).has_value();
            if (!is_gone || !is_written || present->read<std::uint32_t>(number * 4) != count) { ++wrong; }
        }
    };
    std::vector<std::jthread> threads;
    threads.reserve(8);
    for (std::size_t number = 0; number < 8; ++number) {
        threads.emplace_back(work, number);
    }
    threads.clear();
    EXPECT_EQ(wrong, 0);
}

TEST_F(FaultTest, LeavesErrnoAndTheSignalMaskAlone) {
    unplug();
    sigset_t before;
    sigset_t after;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &before);
    errno = 4711;
    EXPECT_FALSE(region.read<std::uint32_t>(0));
    EXPECT_EQ(errno, 4711);
    ::pthread_sigmask(SIG_BLOCK, nullptr, &after);
    EXPECT_EQ(sigismember(&before, SIGBUS), sigismember(&after, SIGBUS));
}

// --- faults of others, each in a process of its own -----------------------------------------------------------

void set_handler(int signal, void (*handler)(int, siginfo_t*, void*)) {
    struct sigaction action{};
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO;
    ::sigaction(signal, &action, nullptr);
}
void set_simple(int signal, void (*handler)(int)) {
    struct sigaction action{};
    action.sa_handler = handler;
    ::sigaction(signal, &action, nullptr);
}
void exit_with_7(int, siginfo_t*, void*) { ::_exit(7); }
void exit_with_8(int) { ::_exit(8); }

// Reads, unguarded, behind the end of a file.
void fault() {
    const base::UniqueFd file(::memfd_create("gone", MFD_CLOEXEC));
    auto* const page =
        static_cast<volatile char*>(::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, file.get(), 0));
    [[maybe_unused]] const char value = *page;
}

TEST_F(FaultTest, AFaultOfSomebodyElseGoesToTheHandlerBefore) {
    const int status = status_of([] {
        set_handler(SIGBUS, exit_with_7);
        guard_accesses();
        fault();
    });
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7) << status;
}

TEST_F(FaultTest, AHandlerWithoutInformationIsCalledAsWell) {
    const int status = status_of([] {
        set_simple(SIGBUS, exit_with_8);
        guard_accesses();
        fault();
    });
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 8) << status;
}

TEST_F(FaultTest, WithoutAHandlerItIsADeathByThatSignal) {
    if (sanitized) { GTEST_SKIP(); }
    int status = status_of([] { fault(); });
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS) << status;
    status = status_of([] { ::raise(SIGBUS); });
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS) << status;
    status = status_of([] { ::raise(SIGSEGV); });
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV) << status;
}

TEST_F(FaultTest, ASignalThatIsIgnoredStaysIgnoredUnlessItIsAFault) {
    if (sanitized) { GTEST_SKIP(); }
    const int sent = status_of([] {
        set_simple(SIGBUS, SIG_IGN);
        guard_accesses();
        ::raise(SIGBUS);
    });
    EXPECT_EQ(sent, 0);
    const int faulted = status_of([] {
        set_simple(SIGBUS, SIG_IGN);
        guard_accesses();
        fault();
    });
    EXPECT_TRUE(WIFSIGNALED(faulted) && WTERMSIG(faulted) == SIGBUS) << faulted;
}

TEST_F(FaultTest, GuardsAgainAfterSomebodyTookItsPlace) {
    const int status = status_of([this] {
        set_handler(SIGBUS, exit_with_7);
        unplug();
        guard_accesses();
        if (region.read<std::uint32_t>(0)) { ::_exit(1); } // ours again
        fault();                                           // and theirs
    });
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7) << status;
}

// As faulthandler of Python does: puts back what was there before it, and raises the signal again.
struct sigaction before_me;
void put_back_and_raise(int signal, siginfo_t*, void*) {
    ::sigaction(signal, &before_me, nullptr);
    ::raise(signal);
}

TEST_F(FaultTest, AHandlerThatPutsUsBackIsNotCalledForEver) {
    if (sanitized) { GTEST_SKIP(); }
    const int status = status_of([] {
        ::sigaction(SIGBUS, nullptr, &before_me); // which is ours
        struct sigaction action{};
        action.sa_sigaction = put_back_and_raise;
        action.sa_flags = SA_SIGINFO | SA_NODEFER;
        ::sigaction(SIGBUS, &action, nullptr);
        guard_accesses();
        ::alarm(10); // would be another signal
        fault();
    });
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS) << status;
}

sigjmp_buf way_out;
void jump(int, siginfo_t*, void*) { siglongjmp(way_out, 1); }

TEST_F(FaultTest, AHandlerMayJumpOutOfItself) {
    const int status = status_of([this] {
        set_handler(SIGBUS, jump);
        guard_accesses();
        unplug();
        for (volatile int count = 0; count < 3; count = count + 1) {
            if (sigsetjmp(way_out, 1) == 0) {
                fault();
                ::_exit(1);
            }
            if (region.read<std::uint32_t>(0)) { ::_exit(2); }
        }
    });
    EXPECT_EQ(status, 0);
}

} // namespace
} // namespace vb::hardware
