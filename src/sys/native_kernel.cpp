#include "sys/native_kernel.h"

#include <csignal>
#include <fcntl.h>
#include <linux/reboot.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace vb::sys {

using base::system_error;

Result<UniqueFd> NativeKernel::open_signals() noexcept {
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
    UniqueFd signals(::signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals) { return system_error("signalfd", ""); }
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
    if (::epoll_wait(poll, &event, 1, -1) != 1) { return std::nullopt; }
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

Result<> NativeKernel::make_directory(const char* path, mode_t mode) noexcept {
    if (::mkdir(path, mode) != 0 && errno != EEXIST) { return system_error("mkdir", path); }
    return {};
}

Result<> NativeKernel::make_link(const char* target, const char* path) noexcept {
    if (::symlink(target, path) != 0 && errno != EEXIST) { return system_error("symlink", path); }
    return {};
}

Result<std::string_view> NativeKernel::read_file(const char* path, std::span<char> buffer) noexcept {
    const UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!file) { return system_error("open", path); }
    std::size_t size = 0;
    while (size < buffer.size()) {
        const ssize_t count = ::read(file.get(), buffer.data() + size, buffer.size() - size);
        if (count < 0 && errno == EINTR) { continue; }
        if (count < 0) { return system_error("read", path); }
        if (count == 0) { return std::string_view(buffer.data(), size); }
        size += static_cast<std::size_t>(count);
    }
    errno = EFBIG;
    return system_error("read", path);
}

Result<> NativeKernel::mount(const Mount& mount) noexcept {
    if (::mount(mount.source, mount.target, mount.type, mount.flags, mount.data) != 0) {
        return system_error("mount", mount.target);
    }
    return {};
}

Result<> NativeKernel::unmount(const char* target) noexcept {
    if (::umount2(target, UMOUNT_NOFOLLOW) != 0) { return system_error("umount", target); }
    return {};
}

Result<> NativeKernel::remount_read_only(const char* target) noexcept {
    if (::mount(nullptr, target, nullptr, MS_REMOUNT | MS_RDONLY, nullptr) != 0) {
        return system_error("remount read-only", target);
    }
    return {};
}

void NativeKernel::fill_standard_descriptors() noexcept {
    for (const int standard : {0, 1, 2}) {
        const int flags = ::fcntl(standard, F_GETFL);
        if (flags >= 0 && (flags & O_PATH) == 0) { continue; }
        // open(2) takes the lowest free number. Before /dev is mounted a directory keeps the place.
        int fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
        if (fd < 0) { fd = ::open("/", O_PATH | O_CLOEXEC); }
        if (fd == standard) {
            ::fcntl(standard, F_SETFD, 0);
        } else if (fd >= 0) {
            ::dup2(fd, standard);
            ::close(fd);
        }
    }
}

Result<> NativeKernel::open_console() noexcept {
    const UniqueFd console(::open("/dev/console", O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!console) { return system_error("open", "/dev/console"); }
    for (const int standard : {0, 1, 2}) {
        if (::dup2(console.get(), standard) < 0) { return system_error("dup2", "/dev/console"); }
    }
    return {};
}

Result<> NativeKernel::reboot(unsigned int command) noexcept {
    if (::syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, command, nullptr) != 0) {
        return system_error("reboot", "");
    }
    return {};
}

} // namespace vb::sys
