// Faults on purpose, in forked processes and as PID 1 of a PID namespace.
#include "sys/crash_handler.h"

#include "base/unique_fd.h"
#include "unit/sanitized.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <limits>
#include <new>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace vb;
using sys::CrashAction;

struct CrashPolicy : sys::CrashPolicy {
    CrashPolicy(CrashAction wanted = CrashAction::exit,
                unsigned int seconds = 0, // NOLINT(google-explicit-constructor)
                void (*called)(std::string_view) noexcept = nullptr, const char* log = "/dev/null")
        : sys::CrashPolicy{.action = wanted, .delay = seconds, .hook = called, .kernel_log = log} {}
};

// What a compiler cannot see through.
volatile std::uintptr_t wild_address = 16;
volatile int seven = 7;
volatile int zero = 0;

void follow_a_wild_pointer() { *reinterpret_cast<volatile char*>(wild_address) = 1; } // NOLINT
int overflow_the_stack(int depth) { // NOLINT(misc-no-recursion)
    volatile char room[4096];
    room[0] = static_cast<char>(depth);
    return (depth < std::numeric_limits<int>::max() ? overflow_the_stack(depth + 1) : 0) + room[0];
}
// What a compiler puts into the vtable for a pure virtual function.
extern "C" void __cxa_pure_virtual(); // NOLINT

// One process that runs `work` with the handler installed and its standard error in a pipe.
class Faulty {
  public:
    Faulty(const CrashPolicy& policy, const std::function<void()>& work, bool as_pid_1 = false) {
        int ends[2];
        EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        read_end_.reset(ends[0]);
        base::UniqueFd write_end(ends[1]);
        const rlimit no_core{};
        if (as_pid_1) {
            // The namespace is for the next child; nobody else's shall be there.
            can_run = ::unshare(CLONE_NEWPID) == 0;
            if (!can_run) { return; }
        }
        process = ::fork();
        if (process == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL); // whatever becomes of the test
            ::setrlimit(RLIMIT_CORE, &no_core);
            ::dup2(write_end.get(), STDERR_FILENO);
            if (!sys::install_crash_handler()) { ::_exit(99); }
            sys::set_crash_policy(policy);
            work();
            ::_exit(0);
        }
    }
    ~Faulty() {
        if (process <= 0) { return; }
        ::kill(process, SIGKILL);
        ::waitpid(process, nullptr, 0);
    }
    Faulty(const Faulty&) = delete;
    Faulty& operator=(const Faulty&) = delete;

    // The wait status; what it said until then is in `text`.
    int wait() {
        read_until({});
        int status = 0;
        EXPECT_EQ(::waitpid(process, &status, 0), process);
        process = -1;
        return status;
    }
    // Until it has said so, or the pipe has ended.
    bool read_until(std::string_view words) {
        char buffer[4096];
        while (words.empty() || text.find(words) == std::string::npos) {
            pollfd ready{.fd = read_end_.get(), .events = POLLIN, .revents = 0};
            if (::poll(&ready, 1, 20'000) != 1) { return false; }
            const ssize_t size = ::read(read_end_.get(), buffer, sizeof buffer);
            if (size <= 0) { return false; }
            text.append(buffer, static_cast<std::size_t>(size));
        }
        return true;
    }
    bool is_alive() const { return ::waitpid(process, nullptr, WNOHANG) == 0; }

    pid_t process = -1;
    bool can_run = true;
    std::string text;

  private:
    base::UniqueFd read_end_;
};

// unshare(2) of the PID namespace is for good, so each of these tests is a process of its own (EXPECT_EXIT would do
// the same). Returns false where that is not allowed.
bool as_pid_1(const CrashPolicy& policy, const std::function<void()>& work,
              const std::function<void(Faulty&)>& watch) {
    const pid_t outer = ::fork();
    if (outer == 0) {
        {
            Faulty faulty(policy, work, true);
            if (!faulty.can_run) { ::_exit(77); }
            watch(faulty);
        }
        ::_exit(::testing::Test::HasFailure() ? 1 : 0);
    }
    int status = 0;
    ::waitpid(outer, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) { return false; }
    EXPECT_EQ(status, 0) << "what failed is told above";
    return true;
}

void pause_for_ever() {
    while (true) {
        ::pause();
    }
}

struct Case {
    const char* name;
    void (*work)();
    int signal;
    std::vector<const char*> words;
    bool also_sanitized = false;
};

TEST(Crash, EndsAnOrdinaryProcessWithItsReport) {
    const Case cases[] = {
        {"wild pointer",
         follow_a_wild_pointer,
         SIGSEGV,
         {"SIGSEGV (address 0x10 is not mapped)", "stack: 0x"}},
        {"stack overflow", [] { (void)overflow_the_stack(0); }, SIGSEGV, {"SIGSEGV (address 0x"}},
        {"division", [] { ::_exit(seven / zero); }, SIGFPE, {"SIGFPE (division by zero)"}},
        {"illegal", [] { __builtin_trap(); }, SIGILL, {"SIGILL (illegal instruction)"}},
        {"abort", [] { std::abort(); }, SIGABRT, {"SIGABRT at instruction 0x"}, true},
        {"crash", [] { sys::crash("nothing works"); }, SIGABRT, {": nothing works"}, true},
        {"terminate", [] { std::terminate(); }, SIGABRT, {"std::terminate was called"}, true},
        {"pure virtual", [] { __cxa_pure_virtual(); }, SIGABRT, {"std::terminate was called"}},
        {"no memory",
         [] {
             const volatile std::size_t size = std::numeric_limits<std::ptrdiff_t>::max() - 64;
             ::_exit(::operator new(size) == nullptr ? 1 : 2);
         },
         SIGABRT,
         {"there is no memory for operator new"}},
        {"raise", [] { ::raise(SIGSYS); }, SIGSYS, {"SIGSYS"}, true},
        {"trap", [] { ::raise(SIGTRAP); }, SIGTRAP, {"SIGTRAP"}, true},
    };
    for (const Case& one : cases) {
        if (sanitized && !one.also_sanitized) { continue; }
        Faulty faulty({}, one.work);
        const int status = faulty.wait();
        EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 128 + one.signal)
            << one.name << " " << status;
        for (const char* const words : one.words) {
            EXPECT_NE(faulty.text.find(words), std::string::npos) << one.name << ": " << faulty.text;
        }
    }
}

TEST(Crash, GivesTheHookTheWholeReport) {
    Faulty faulty({CrashAction::exit, 0,
                   [](std::string_view report) noexcept {
                       const bool whole = report.find("SIGABRT") != std::string_view::npos &&
                                          report.find("stack:") != std::string_view::npos;
                       ::dprintf(2, "hook: %s\n", whole ? "whole" : "cut");
                   }},
                  [] { std::abort(); });
    faulty.wait();
    EXPECT_NE(faulty.text.find("hook: whole"), std::string::npos) << faulty.text;
}

TEST(Crash, IsToldToTheKernelsLogInWholeRecords) {
    char path[] = "/tmp/vector_boot-test-XXXXXX";
    const base::UniqueFd file(::mkstemp(path));
    const bool ran = as_pid_1(
        {CrashAction::reboot, 0, nullptr, path}, [] { std::abort(); }, [](Faulty& init) { init.wait(); });
    std::ifstream log(path);
    const std::string text{std::istreambuf_iterator<char>(log), {}};
    ::unlink(path);
    if (!ran) { GTEST_SKIP() << "a PID namespace needs rights"; }
    EXPECT_TRUE(text.starts_with("<2>vector_boot: fault: SIGABRT at ")) << text;
    EXPECT_NE(text.find("\n<2>vector_boot: rebooting in 0 s\n"), std::string::npos) << text;
}

TEST(Crash, SurvivesFaultsInItsOwnHook) {
    if (sanitized) { GTEST_SKIP() << "sanitizers end at the second fault"; }
    Faulty faulty({CrashAction::exit, 0, [](std::string_view) noexcept { follow_a_wild_pointer(); }},
                  follow_a_wild_pointer);
    const int status = faulty.wait();
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGSEGV) << status;
    EXPECT_NE(faulty.text.find("another fault while handling the first"), std::string::npos) << faulty.text;
}

TEST(Crash, SurvivesAnOverflowOfTheHandlersOwnStack) {
    if (sanitized) { GTEST_SKIP() << "sanitizers end at the second fault"; }
    Faulty faulty({CrashAction::exit, 0,
                   [](std::string_view) noexcept { *reinterpret_cast<volatile char*>(wild_address) = 1; }},
                  [] { (void)overflow_the_stack(0); });
    const int status = faulty.wait();
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGSEGV) << status;
}

TEST(Crash, LeavesAChildThatHasNotExecutedToItsOwnFault) {
    Faulty faulty({CrashAction::freeze}, [] {
        const pid_t child = ::fork();
        if (child == 0) { ::raise(SIGABRT); }
        int status = 0;
        ::waitpid(child, &status, 0);
        ::_exit(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT ? 42 : 1);
    });
    const int status = faulty.wait();
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 42) << status;
    EXPECT_EQ(faulty.text, "");
}

TEST(Crash, OfAnOrdinaryProcessMayAlsoBeSentByOthers) {
    Faulty faulty({}, [] {
        ::dprintf(2, "ready\n");
        pause_for_ever();
    });
    ASSERT_TRUE(faulty.read_until("ready"));
    ::kill(faulty.process, SIGABRT);
    const int status = faulty.wait();
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGABRT) << status;
}

TEST(CrashOfPid1, IgnoresFaultsThatOthersSend) {
#ifdef __SANITIZE_THREAD__
    GTEST_SKIP() << "ThreadSanitizer takes the place of the handler of a signal that is sent";
#endif
    const bool ran = as_pid_1(
        {},
        [] {
            ::dprintf(2, "ready\n");
            pause_for_ever();
        },
        [](Faulty& init) {
            ASSERT_TRUE(init.read_until("ready"));
            for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS}) {
                ::kill(init.process, signal);
                EXPECT_TRUE(init.read_until("SIG" + std::string(sigabbrev_np(signal)) +
                                            " from process 0 is ignored"));
            }
            EXPECT_TRUE(init.is_alive());
        });
    if (!ran) { GTEST_SKIP() << "a PID namespace needs rights"; }
}

TEST(CrashOfPid1, ReapsOnWhenItIsFrozen) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const base::UniqueFd keeps(ends[0]);
    const base::UniqueFd ends_them(ends[1]);
    const bool ran = as_pid_1(
        {CrashAction::freeze},
        [&] {
            for (int count = 0; count < 20; ++count) {
                if (::fork() == 0) { // lives until the test says so
                    char byte = 0;
                    ::_exit(static_cast<int>(::read(keeps.get(), &byte, 1)));
                }
            }
            std::abort();
        },
        [&](Faulty& init) {
            ASSERT_TRUE(init.read_until("staying as it is"));
            const std::string children = "/proc/" + std::to_string(init.process) + "/task/" +
                                         std::to_string(init.process) + "/children";
            const auto count = [&children] {
                std::ifstream file(children);
                return std::distance(std::istream_iterator<int>(file), {});
            };
            EXPECT_EQ(count(), 20);
            const char bytes[20] = {};
            EXPECT_EQ(::write(ends_them.get(), bytes, sizeof bytes), 20);
            for (int patience = 0; patience < 2000 && count() > 0; ++patience) {
                ::poll(nullptr, 0, 10);
            }
            EXPECT_EQ(count(), 0);
            EXPECT_TRUE(init.is_alive());
        });
    if (!ran) { GTEST_SKIP() << "a PID namespace needs rights"; }
}

TEST(CrashOfPid1, RebootsAfterItHasAskedEveryoneToEnd) {
    const bool ran = as_pid_1(
        {CrashAction::reboot, 3},
        [] {
            const pid_t child = ::fork();
            if (child == 0) {
                std::signal(SIGTERM, [](int) {
                    (void)!::write(2, "asked\n", 6);
                    ::_exit(0);
                });
                pause_for_ever();
            }
            ::poll(nullptr, 0, 100); // for the child's handler
            std::abort();
        },
        [](Faulty& init) {
            const int status = init.wait();
            // How reboot(2) looks from outside of the namespace.
            EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGHUP) << status;
            EXPECT_NE(init.text.find("rebooting in 3 s"), std::string::npos) << init.text;
            EXPECT_NE(init.text.find("asked"), std::string::npos) << init.text;
        });
    if (!ran) { GTEST_SKIP() << "a PID namespace needs rights"; }
}

TEST(CrashOfPid1, RebootsAfterFaultUponFault) {
    if (sanitized) { GTEST_SKIP() << "sanitizers end at the second fault"; }
    const bool ran = as_pid_1(
        {CrashAction::reboot, 0, [](std::string_view) noexcept { (void)overflow_the_stack(0); }},
        [] { (void)overflow_the_stack(0); },
        [](Faulty& init) {
            const int status = init.wait();
            EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGHUP) << status << init.text;
        });
    if (!ran) { GTEST_SKIP() << "a PID namespace needs rights"; }
}

} // namespace
