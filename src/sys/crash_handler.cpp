#include "sys/crash_handler.h"

#include "base/clock.h"
#include "sys/crash_report.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <linux/reboot.h>
#include <new>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace vb::sys {

namespace {

constexpr int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};

constexpr int autodisarm = static_cast<int>(1U << 31); // SS_AUTODISARM of linux/signal.h, which glibc lacks

// One stack for each fault within a fault; untouched, they are no memory.
constexpr int most_stages = 3;
constexpr std::size_t stack_size = 64 << 10;
alignas(16) char stacks[most_stages][stack_size];

// Written before the fault by the one thread that there is, and read after it.
struct State {
    pid_t process = 0;
    int kernel_log = -1;
    CrashPolicy policy;
    const char* volatile reason = nullptr; // why abort() was called
    volatile sig_atomic_t stage = 0;       // how many faults so far
    volatile sig_atomic_t sent_count = 0;  // signals of somebody else
};
State state;

void arm(bool unblock) noexcept;

void emit(std::string_view text) noexcept {
    base::Text<1023> line("<2>vector_boot: "); // <2>: KERN_CRIT
    line << text << "\n";
    // One record is one write; who has no kernel log has -1.
    [[maybe_unused]] ssize_t written = ::write(state.kernel_log, line.view().data(), line.size());
    pollfd ready{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
    if (::poll(&ready, 1, 0) <= 0) { return; } // a full pipe or a stopped console
    std::string_view plain = line;
    plain.remove_prefix(3);
    written = ::write(STDERR_FILENO, plain.data(), plain.size());
}

sigset_t set_of(std::initializer_list<int> numbers) noexcept {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : numbers) {
        sigaddset(&set, number);
    }
    return set;
}

// Until `patience` is over or `awaited` has ended; Ctrl-Alt-Del, which is SIGINT, ends any wait. Returns whether it
// was that.
bool reap_for(std::chrono::seconds patience, pid_t awaited = 0) noexcept {
    const sigset_t awaken = set_of({SIGCHLD, SIGINT});
    ::sigprocmask(SIG_BLOCK, &awaken, nullptr); // what is blocked waits for sigtimedwait
    const base::Nanoseconds end = base::monotonic_now() + patience;
    while (true) {
        siginfo_t dead{};
        while (::waitid(P_ALL, 0, &dead, WEXITED | WNOHANG | __WALL) == 0 && dead.si_pid != 0) {
            if (dead.si_pid == awaited) { return false; }
            dead.si_pid = 0;
        }
        const base::Nanoseconds left = end - base::monotonic_now();
        if (left <= base::Nanoseconds{}) { return false; }
        timespec wait{};
        wait.tv_sec = left.count() / 1'000'000'000;
        wait.tv_nsec = left.count() % 1'000'000'000;
        if (::sigtimedwait(&awaken, nullptr, &wait) == SIGINT) { return true; }
    }
}

constexpr auto for_ever = std::chrono::hours(24 * 365 * 100);

void kill_everyone(int signal) noexcept {
    if (::getpid() == 1) { ::kill(-1, signal); } // anywhere else that would be the user's whole session
}

// What the disks need, in processes that may hang where PID 1 may not.
void save_disks() noexcept {
    if (::_Fork() != 0) { return; }
    const int trigger = ::open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);
    ::sync();
    [[maybe_unused]] const ssize_t written = ::write(trigger, "u", 1); // remount all read-only
    ::_exit(0);
}

[[noreturn]] void stay() noexcept {
    while (true) {
        if (reap_for(for_ever) && ::getpid() == 1) {
            ::syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_RESTART,
                      nullptr);
        }
    }
}

[[noreturn]] void reboot_machine(unsigned int delay) noexcept {
    constexpr unsigned int for_disks = 2;
    const unsigned int for_processes = delay - std::min(delay, for_disks);
    kill_everyone(SIGTERM);
    kill_everyone(SIGCONT);
    const bool hurried = reap_for(std::chrono::seconds(for_processes));
    kill_everyone(SIGKILL);
    save_disks();
    reap_for(std::chrono::seconds(hurried ? for_disks : delay - for_processes));
    if (::getpid() == 1) {
        ::syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_RESTART, nullptr);
        emit("the reboot failed");
    }
    stay();
}

[[noreturn]] void become_shell() noexcept {
    struct sigaction standard{};
    standard.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; ++number) {
        ::sigaction(number, &standard, nullptr);
    }
    const sigset_t none = set_of({});
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::setsid();
    const int console = ::open("/dev/console", O_RDWR);
    for (const int fd : {0, 1, 2}) {
        if (console >= 0) { ::dup2(console, fd); }
    }
    ::ioctl(0, TIOCSCTTY, 1);
    const char* const arguments[] = {"/bin/sh", nullptr};
    const char* const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "TERM=linux", nullptr};
    ::execve(arguments[0], const_cast<char* const*>(arguments), const_cast<char* const*>(environment));
    ::_exit(127);
}

[[noreturn]] void act(int signal) noexcept {
    base::Text<127> words;
    switch (state.policy.action) {
    case CrashAction::exit:
        ::_exit(128 + signal);
    case CrashAction::reboot:
        words << "rebooting in " << state.policy.delay << " s";
        emit(words);
        reboot_machine(state.policy.delay);
    case CrashAction::shell: {
        emit("starting a shell on the console; leave it to reboot");
        const pid_t shell = ::_Fork();
        if (shell == 0) { become_shell(); }
        if (shell > 0) { reap_for(for_ever, shell); }
        reboot_machine(state.policy.delay);
    }
    case CrashAction::freeze:
        emit("staying as it is, until Ctrl-Alt-Del");
        stay();
    }
    stay();
}

void report(int signal, const siginfo_t& information, const void* context) noexcept {
    CrashText text;
    text << "fault: ";
    describe_fault(text, signal, information, context);
    if (state.reason != nullptr) { text << ": " << const_cast<const char*>(state.reason); }
    emit(text);
    CrashText stack;
    describe_stack(stack, context);
    emit(stack);
    text << "\n" << stack.view() << "\n";
    if (state.policy.hook != nullptr) { state.policy.hook(text); }
}

// In a child that has not executed anything yet: it dies as it would without us.
void die_as_usual(int signal) noexcept {
    struct sigaction standard{};
    standard.sa_handler = SIG_DFL;
    ::sigaction(signal, &standard, nullptr);
    ::kill(::getpid(), signal); // stays pending until the handler returns
}

bool is_sent_by_somebody_else(const siginfo_t& information) noexcept {
    // Of a fault the code is above zero; abort() sends the signal to ourselves.
    return information.si_code <= 0 && information.si_pid != ::getpid();
}

void ignore(int signal, pid_t sender) noexcept {
    constexpr int most_told = 8; // nobody fills the log with these
    if (state.sent_count >= most_told) { return; }
    state.sent_count = state.sent_count + 1;
    base::Text<127> words;
    const char* const name = sigabbrev_np(signal);
    words << "SIG" << (name != nullptr ? name : "?") << " from process " << sender << " is ignored";
    emit(words);
}

extern "C" void on_fault(int signal, siginfo_t* information, void* context) {
    const int saved_errno = errno;
    const bool is_ours = ::getpid() == state.process;
    if (!is_ours) {
        die_as_usual(signal);
    } else if (is_sent_by_somebody_else(*information) && state.process == 1) {
        ignore(signal, information->si_pid);
    } else {
        state.stage = state.stage + 1;
        arm(true); // a fault from here on comes back to this function instead of killing us
        if (state.stage == 1) {
            report(signal, *information, context);
        } else if (state.stage == 2) {
            emit("another fault while handling the first");
        }
        if (state.stage < most_stages) { act(signal); }
        if (state.policy.action == CrashAction::exit) { ::_exit(128 + signal); }
        if (state.policy.action == CrashAction::reboot) { reboot_machine(state.policy.delay); }
        stay();
    }
    errno = saved_errno;
}

// The stack for the next fault, and the handlers. The kernel disarms the stack as it enters the handler, so that
// another one can be set there and the frame of a fault within a fault does not overwrite the first.
void arm(bool unblock) noexcept {
    const int faults_so_far = state.stage;
    const int stage = std::min(faults_so_far, most_stages - 1);
    stack_t stack{};
    stack.ss_sp = stacks[stage];
    stack.ss_size = stack_size;
    stack.ss_flags = autodisarm;
    ::sigaltstack(&stack, nullptr);
    struct sigaction action{};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigfillset(&action.sa_mask);
    for (const int fault : faults) {
        ::sigaction(fault, &action, nullptr);
    }
    if (!unblock) { return; }
    sigset_t open;
    sigemptyset(&open);
    for (const int fault : faults) {
        sigaddset(&open, fault);
    }
    ::sigprocmask(SIG_UNBLOCK, &open, nullptr);
}

[[noreturn]] void on_terminate() noexcept {
    if (state.reason == nullptr) { state.reason = "std::terminate was called"; }
    std::abort();
}

[[noreturn]] void on_no_memory() noexcept { crash("there is no memory for operator new"); }

} // namespace

void crash(const char* reason) noexcept {
    state.reason = reason;
    std::abort();
}

base::Result<> install_crash_handler() noexcept {
    state.process = ::getpid();
    state.stage = 0;
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    if (::sigaltstack(&none, nullptr) != 0) { return base::system_error("sigaltstack", ""); }
    arm(true);
    std::set_terminate(on_terminate);
    std::set_new_handler(on_no_memory);
    return {};
}

void set_crash_policy(const CrashPolicy& policy) noexcept {
    state.policy = policy;
    if (policy.action == CrashAction::exit || state.kernel_log >= 0) { return; }
    state.kernel_log = ::open(policy.kernel_log, O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

} // namespace vb::sys
