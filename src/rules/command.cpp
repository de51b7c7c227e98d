#include "rules/command.h"

#include <csignal>
#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace vb::rules {

namespace {

// What the new process is to have in place of ours; posix_spawn's objects with their ends.
class Preparation {
  public:
    Preparation() noexcept {
        ::posix_spawnattr_init(&attributes_);
        ::posix_spawn_file_actions_init(&actions_);
    }
    ~Preparation() {
        ::posix_spawn_file_actions_destroy(&actions_);
        ::posix_spawnattr_destroy(&attributes_);
    }
    Preparation(const Preparation&) = delete;
    Preparation& operator=(const Preparation&) = delete;

    // 0, or an errno.
    int describe() noexcept {
        sigset_t none;
        sigset_t changed;
        sigemptyset(&none);
        sigemptyset(&changed);
        sigaddset(&changed, SIGPIPE); // which the runtime ignores
        ::posix_spawnattr_setsigmask(&attributes_, &none);
        ::posix_spawnattr_setsigdefault(&attributes_, &changed);
        ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        return ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    }
    const posix_spawnattr_t* attributes() const noexcept { return &attributes_; }
    const posix_spawn_file_actions_t* actions() const noexcept { return &actions_; }

  private:
    posix_spawnattr_t attributes_{};
    posix_spawn_file_actions_t actions_{};
};

} // namespace

base::Result<std::unique_ptr<Command>> Command::start(http::EventLoop& loop,
                                                      const std::vector<std::string>& arguments,
                                                      std::chrono::milliseconds patience,
                                                      std::function<void(const Ended&)> ended) {
    std::vector<char*> words;
    for (const std::string& argument : arguments) {
        words.push_back(const_cast<char*>(argument.c_str())); // NOLINT: execve(2) does not change them
    }
    words.push_back(nullptr);
    Preparation preparation;
    int process = -1;
    errno = preparation.describe();
    if (errno == 0) {
        errno = ::pidfd_spawn(&process, words[0], preparation.actions(), preparation.attributes(),
                              words.data(), environ);
    }
    if (errno != 0) { return base::system_error("run", arguments.front()); }
    std::unique_ptr<Command> command(new Command(loop, base::UniqueFd(process), std::move(ended)));
    command->overdue_.start(patience);
    return command;
}

Command::Command(http::EventLoop& loop, base::UniqueFd process, std::function<void(const Ended&)> ended)
    : process_(std::move(process)), ended_(std::move(ended)),
      watch_(loop, process_.get(), [this] { collect(); }), overdue_(loop, [this] { kill(); }) {}

Command::~Command() {
    if (is_collected_) { return; }
    kill();
    siginfo_t information{};
    ::waitid(P_PIDFD, static_cast<id_t>(process_.get()), &information, WEXITED); // it ends at once
}

void Command::kill() noexcept {
    was_late_ = true;
    // glibc's header has no C linkage for C++. It fails where the process has ended, which is as good.
    ::syscall(SYS_pidfd_send_signal, process_.get(), SIGKILL, nullptr, 0);
}

void Command::collect() {
    if (is_collected_) { return; } // the pidfd says once more that nobody is there
    siginfo_t information{};
    const int waited = ::waitid(P_PIDFD, static_cast<id_t>(process_.get()), &information, WEXITED | WNOHANG);
    if (waited == 0 && information.si_pid == 0) { return; }
    is_collected_ = true;
    const bool has_exited = information.si_code == CLD_EXITED;
    const Ended ended{.status = has_exited ? W_EXITCODE(information.si_status, 0) : information.si_status,
                      .was_late = was_late_,
                      .is_known = waited == 0};
    overdue_.stop();
    ended_(ended);
}

} // namespace vb::rules
