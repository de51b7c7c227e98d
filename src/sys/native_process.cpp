#include "sys/native_kernel.h"

#include "sys/confinement.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace vb::sys {

using base::system_error;

namespace {

// What the vfork child tells its parent, in whose memory it runs: where it failed. Volatile, because to the
// compiler the parent's path does not pass through the child's writes.
struct ChildFailure {
    const char* volatile operation = nullptr;
    volatile int number = 0;
};

void reset_signals() noexcept {
    // Ignored signals survive execve(2), so every disposition is set back; the mask is emptied last.
    struct sigaction action{};
    action.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; ++number) {
        ::sigaction(number, &action, nullptr);
    }
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Moves `fds` to 3, 4, ... and closes the rest. Two passes, because a target may itself be a source.
bool place_descriptors(std::span<const int> fds) noexcept {
    constexpr int first = 3;
    constexpr std::size_t most = 32;
    int parked[most] = {};
    if (fds.size() > most) {
        errno = EMFILE;
        return false;
    }
    const int above = first + static_cast<int>(fds.size());
    for (std::size_t index = 0; index < fds.size(); ++index) {
        parked[index] = ::fcntl(fds[index], F_DUPFD_CLOEXEC, above);
        if (parked[index] < 0) { return false; }
    }
    for (std::size_t index = 0; index < fds.size(); ++index) {
        if (::dup2(parked[index], first + static_cast<int>(index)) < 0) { return false; }
    }
    ::close_range(static_cast<unsigned int>(above), ~0U, CLOSE_RANGE_CLOEXEC);
    return true;
}

bool redirect(int output) noexcept {
    const int empty = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    return empty >= 0 && ::dup2(empty, 0) == 0 && ::dup2(output, 1) == 1 && ::dup2(output, 2) == 2;
}

void take_terminal(Terminal terminal) noexcept {
    switch (terminal) {
    case Terminal::none:
        ::setsid();
        return;
    case Terminal::console:
        ::setsid();
        ::ioctl(0, TIOCSCTTY, 1);
        return;
    case Terminal::foreground: {
        // A background job leaves the terminal to whoever has it.
        const bool is_in_front = ::tcgetpgrp(0) == ::getpgrp();
        ::setpgid(0, 0);
        // SIGTTOU is still blocked here, so that taking the foreground does not stop the child.
        if (is_in_front) { ::tcsetpgrp(0, ::getpgrp()); }
        return;
    }
    }
}

// Runs in the address space of the suspended parent: only async-signal-safe calls, nothing but `failure`
// and the pid slot is written.
[[noreturn]] void run_child(const SpawnRequest& request, ChildFailure& failure) noexcept {
    take_terminal(request.terminal);
    if (request.output >= 0 && !redirect(request.output)) {
        failure.number = errno;
        failure.operation = "redirect the output of";
        ::_exit(127);
    }
    if (request.process_id_slot != nullptr) {
        *std::to_chars(request.process_id_slot, request.process_id_slot + 10, ::getpid()).ptr = '\0';
    }
    if (!request.keeps_descriptors && !place_descriptors(request.inherited)) {
        failure.number = errno;
        failure.operation = "pass descriptors to";
        ::_exit(127);
    }
    const char* const failed = request.confinement != nullptr ? confine(*request.confinement) : nullptr;
    if (failed != nullptr) {
        failure.number = errno;
        failure.operation = failed;
        ::_exit(127);
    }
    reset_signals();
    ::execvpe(request.path, request.arguments, request.environment);
    failure.number = errno;
    failure.operation = "execute";
    ::_exit(127);
}

// Asks for the pages of the file's beginning, where a model has its metadata and vocabulary, and does not wait for
// them. Not for the whole of it: the disk would be busy with weights while the runtime's own programs are needed.
bool read_ahead(const char* path) noexcept {
    // One call reads no more than the device's read-ahead window, of which this is the usual size.
    constexpr off_t window = off_t{128} << 10;
    constexpr off_t most = off_t{8} << 20;
    const int file = ::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat status{};
    if (file < 0 || ::fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) { return false; }
    for (off_t offset = 0; offset < std::min(status.st_size, most); offset += window) {
        if (::posix_fadvise(file, offset, window, POSIX_FADV_WILLNEED) != 0) { return false; }
    }
    return true;
}

} // namespace

pid_t NativeKernel::process_id() noexcept { return ::getpid(); }

Result<pid_t> NativeKernel::spawn(const SpawnRequest& request) noexcept {
    volatile pid_t child = -1; // written by us after the child has returned through this frame
    ChildFailure failure;
    // NOLINTNEXTLINE(bugprone-unsafe-functions,clang-analyzer-security.insecureAPI.vfork): run_child keeps its rules
    child = ::vfork();
    if (child == 0) { run_child(request, failure); } // NOLINT(clang-analyzer-unix.Vfork)
    if (child < 0) { return system_error("fork for", request.path); }
    if (failure.operation != nullptr) {
        int status = 0;
        while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {}
        errno = failure.number;
        return system_error(failure.operation, request.path);
    }
    return pid_t{child};
}

Result<pid_t> NativeKernel::spawn_read_ahead(const char* path) noexcept {
    const pid_t child = ::fork();
    if (child < 0) { return system_error("fork", ""); }
    if (child > 0) { return child; }
    reset_signals(); // nobody waits for it: it ends when it is asked to
    ::_exit(read_ahead(path) ? 0 : 1);
}

Result<pid_t> NativeKernel::spawn_task(const Task& task) noexcept {
    const pid_t child = ::fork();
    if (child < 0) { return system_error("fork", ""); }
    if (child > 0) { return child; }
    reset_signals();
    ::prctl(PR_SET_NAME, task.name);
    ::_exit(task.run(task.argument));
}

std::optional<Death> NativeKernel::reap(bool& no_children) noexcept {
    int status = 0;
    const pid_t process = ::waitpid(-1, &status, WNOHANG | __WALL);
    no_children = process < 0 && errno == ECHILD;
    if (process <= 0) { return std::nullopt; }
    return Death{.process = process, .status = status};
}

Result<> NativeKernel::kill(pid_t process, int signal) noexcept {
    if (::kill(process, signal) != 0) { return system_error("kill", ""); }
    return {};
}

Result<> NativeKernel::forward(pid_t process, const Signal& signal) noexcept {
    if (!signal.is_queued || process < 0) { return kill(process, signal.number); } // a group gets no value
    const sigval value{.sival_ptr =
                           reinterpret_cast<void*>(static_cast<std::uintptr_t>(signal.value))}; // NOLINT
    if (::sigqueue(process, signal.number, value) != 0) { return system_error("sigqueue", ""); }
    return {};
}

Result<bool> NativeKernel::follow_parent(int signal) noexcept {
    const pid_t parent = ::getppid();
    if (::prctl(PR_SET_PDEATHSIG, signal) != 0) { return system_error("prctl", "PR_SET_PDEATHSIG"); }
    // A parent that died before the call is not told of any more: prctl(2).
    return ::getppid() == parent;
}

void NativeKernel::kill_all(int signal) noexcept {
    if (::getpid() == 1) {
        ::kill(-1, signal); // spares the caller, see kill(2)
        return;
    }
    // Orphans below us become our children in turn, so direct children are enough: the caller comes again.
    char buffer[4096];
    std::size_t kept = 0; // of a number that goes on in the next part
    ::lseek(children_.get(), 0, SEEK_SET);
    while (true) {
        const ssize_t count = ::read(children_.get(), buffer + kept, sizeof buffer - kept);
        if (count <= 0) { return; }
        std::string_view rest(buffer, kept + static_cast<std::size_t>(count));
        for (std::size_t end = rest.find(' '); end != std::string_view::npos; end = rest.find(' ')) {
            pid_t process = 0;
            if (base::parse_number(rest.substr(0, end), process)) { ::kill(process, signal); }
            rest.remove_prefix(end + 1);
        }
        kept = rest.copy(buffer, rest.size());
    }
}

Result<> NativeKernel::become_subreaper() noexcept {
    children_.reset(::open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC));
    if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) { return system_error("prctl", "PR_SET_CHILD_SUBREAPER"); }
    return {};
}

} // namespace vb::sys
