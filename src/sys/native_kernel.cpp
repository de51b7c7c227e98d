#include "sys/native_kernel.h"

#include "sys/crash_handler.h"

#include <csignal>
#include <fcntl.h>
#include <linux/reboot.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace vb::sys {

using base::system_error;

Result<Kernel::Signals> NativeKernel::open_signals() noexcept {
    sigset_t all;
    sigfillset(&all);
    // A synchronous fault that is blocked kills at once, without its handler: these stay open.
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS}) {
        sigdelset(&all, fault);
    }
    // Inherited as ignored, it would make the kernel reap by itself and tell nobody.
    struct sigaction standard{};
    standard.sa_handler = SIG_DFL;
    ::sigaction(SIGCHLD, &standard, nullptr);
    if (::sigprocmask(SIG_SETMASK, &all, nullptr) != 0) { return system_error("sigprocmask", ""); }
    sigset_t deaths;
    sigemptyset(&deaths);
    sigaddset(&deaths, SIGCHLD);
    sigdelset(&all, SIGCHLD);
    constexpr int flags = SFD_CLOEXEC | SFD_NONBLOCK;
    Signals signals{.deaths = UniqueFd(::signalfd(-1, &deaths, flags)),
                    .others = UniqueFd(::signalfd(-1, &all, flags))};
    if (!signals.deaths || !signals.others) { return system_error("signalfd", ""); }
    return signals;
}

std::optional<Signal> NativeKernel::read_signal(int signals) noexcept {
    signalfd_siginfo info{};
    if (::read(signals, &info, sizeof info) != sizeof info) { return std::nullopt; }
    return Signal{.number = static_cast<int>(info.ssi_signo),
                  .sender = static_cast<pid_t>(info.ssi_pid),
                  .is_queued = info.ssi_code == SI_QUEUE,
                  .value = info.ssi_ptr};
}

Result<UniqueFd> NativeKernel::open_poll() noexcept {
    UniqueFd poll(::epoll_create1(EPOLL_CLOEXEC));
    if (!poll) { return system_error("epoll_create1", ""); }
    return poll;
}

Result<> NativeKernel::watch(int poll, int fd) noexcept {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    if (::epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) != 0) { return system_error("epoll_ctl", ""); }
    return {};
}

std::optional<int> NativeKernel::wait(int poll) noexcept {
    epoll_event event{};
    if (::epoll_wait(poll, &event, 1, -1) != 1) {
        // Anything else would come back at once, for ever.
        if (errno != EINTR) { crash("epoll_wait failed"); }
        return std::nullopt;
    }
    return int{event.data.fd}; // a copy: the struct is packed
}

Result<UniqueFd> NativeKernel::open_timer() noexcept {
    UniqueFd timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!timer) { return system_error("timerfd_create", ""); }
    return timer;
}

void NativeKernel::set_timer(int timer, std::optional<base::Nanoseconds> deadline) noexcept {
    itimerspec when{};
    if (deadline) {
        // Zero would disarm; a deadline in the past must fire at once instead.
        const auto nanoseconds = std::max(deadline->count(), base::Nanoseconds::rep{1});
        when.it_value.tv_sec = nanoseconds / 1'000'000'000;
        when.it_value.tv_nsec = nanoseconds % 1'000'000'000;
    }
    // Cannot fail: the descriptor is a timer and the times are valid. Setting it also clears its readiness.
    ::timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, nullptr);
}

Result<Kernel::Pipe> NativeKernel::open_pipe() noexcept {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) { return system_error("pipe2", ""); }
    Pipe pipe{.read = UniqueFd(ends[0]), .write = UniqueFd(ends[1])};
    // Only our end: the other one becomes somebody's standard output, which is expected to block.
    if (::fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) { return system_error("fcntl", "pipe"); }
    return pipe;
}

std::optional<std::string_view> NativeKernel::read(int fd, std::span<char> buffer) noexcept {
    const ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count < 0) { return std::nullopt; }
    return std::string_view(buffer.data(), static_cast<std::size_t>(count));
}

Result<> NativeKernel::set_hostname(std::string_view name) noexcept {
    if (::sethostname(name.data(), name.size()) != 0) { return system_error("set the hostname", name); }
    return {};
}

Result<> NativeKernel::reboot(unsigned int command) noexcept {
    if (::syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, command, nullptr) != 0) {
        return system_error("reboot", "");
    }
    return {};
}

} // namespace vb::sys
