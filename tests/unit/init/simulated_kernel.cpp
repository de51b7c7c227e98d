#include "unit/init/simulated_kernel.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>

namespace vb::simulation {

Result<> SimulatedKernel::record(const std::string& operation, const std::string& object) {
    calls.push_back(object.empty() ? operation : operation + " " + object);
    on_call(calls.back());
    const auto failure =
        failing.contains(calls.back()) ? failing.find(calls.back()) : failing.find(operation);
    if (failure == failing.end()) { return {}; }
    errno = failure->second;
    return base::system_error("simulated", object);
}

bool SimulatedKernel::has_called(const std::string& call) const { return std::ranges::contains(calls, call); }

std::size_t SimulatedKernel::position(const std::string& call) const {
    const auto found = std::ranges::find(calls, call);
    return found == calls.end() ? std::string::npos : static_cast<std::size_t>(found - calls.begin());
}

Result<UniqueFd> SimulatedKernel::open(int& fd) {
    UniqueFd opened(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    fd = opened.get();
    return opened;
}

Result<UniqueFd> SimulatedKernel::open_poll() noexcept {
    if (auto recorded = record("open_poll", ""); !recorded) { return std::unexpected(recorded.error()); }
    int ignored = -1;
    return open(ignored);
}

Result<UniqueFd> SimulatedKernel::open_timer() noexcept {
    if (auto recorded = record("open_timer", ""); !recorded) { return std::unexpected(recorded.error()); }
    return open(timer_fd_);
}

Result<UniqueFd> SimulatedKernel::listen(const sys::SocketAddress& address) noexcept {
    if (auto recorded = record("listen", std::string(address.text.view())); !recorded) {
        return std::unexpected(recorded.error());
    }
    int ignored = -1;
    return open(ignored);
}

Result<UniqueFd> SimulatedKernel::adopt_listening(int fd) noexcept {
    if (auto recorded = record("adopt_listening", std::to_string(fd)); !recorded) {
        return std::unexpected(recorded.error());
    }
    int ignored = -1;
    return open(ignored);
}

Result<UniqueFd> SimulatedKernel::open_notify_socket(base::Text<107>& name) noexcept {
    if (auto recorded = record("open_notify_socket", ""); !recorded) {
        return std::unexpected(recorded.error());
    }
    name << "@simulated";
    return open(notify_fd_);
}

Result<pid_t> SimulatedKernel::start(const std::string& call, const std::string& object) {
    if (auto recorded = record(call, object); !recorded) { return std::unexpected(recorded.error()); }
    alive_.insert(++next_process_);
    return next_process_;
}

Result<pid_t> SimulatedKernel::spawn(const sys::SpawnRequest& request) noexcept {
    const auto words = [](char* const* list) {
        std::vector<std::string> all;
        for (; *list != nullptr; ++list) {
            all.emplace_back(*list);
        }
        return all;
    };
    if (std::ranges::contains(request.inherited, -1)) {
        errno = EBADF;
        return base::system_error("pass descriptors to", request.path);
    }
    spawn_times.push_back(now_);
    spawned_arguments.push_back(words(request.arguments));
    spawned_environments.push_back(words(request.environment));
    inherited.emplace_back(request.inherited.begin(), request.inherited.end());
    sys::Confinement& confinement = confinements.emplace_back();
    if (request.confinement != nullptr) {
        confinement = {.cgroup = request.confinement->cgroup,
                       .limits = {},
                       .directory = nullptr,
                       .capabilities = request.confinement->capabilities,
                       .identity = request.confinement->identity,
                       .no_new_privileges = request.confinement->no_new_privileges};
    }
    auto process = start(std::string("spawn ") + request.path);
    if (process) { on_spawn(*process); }
    return process;
}

Result<pid_t> SimulatedKernel::spawn_read_ahead(const char*) noexcept {
    auto process = start("read_ahead");
    if (process) {
        after(std::chrono::milliseconds(3), [this, process] { die(*process, 0); });
    }
    return process;
}

Result<pid_t> SimulatedKernel::spawn_task(const sys::Task& task) noexcept {
    const std::string_view name = task.name;
    auto process = start("task", task.name);
    if (!process) { return process; }
    ++task_count;
    on_task(task);
    if (name == "disks" && disks_take) {
        const int status = disks_end_with != 0 ? disks_end_with : task.run(task.argument) << 8;
        after(*disks_take, [this, process, status] { die(*process, status); });
    }
    return process;
}

Result<UniqueFd> SimulatedKernel::open_uevents() noexcept {
    if (auto recorded = record("open_uevents", ""); !recorded) { return std::unexpected(recorded.error()); }
    return open(uevents_fd_);
}

std::optional<sys::DeviceEvent> SimulatedKernel::receive_uevent(int, std::span<char> buffer) noexcept {
    if (uevents_.empty()) { return std::nullopt; }
    const std::optional<std::string> text = std::move(uevents_.front());
    uevents_.pop_front();
    if (!text || text->size() > buffer.size()) { return sys::DeviceEvent{.text = {}, .lost = true}; }
    std::ranges::copy(*text, buffer.data());
    return sys::DeviceEvent{.text = {buffer.data(), text->size()}, .lost = false};
}

Result<sys::WatchdogDevice> SimulatedKernel::open_watchdog(const char* path) noexcept {
    if (auto recorded = record("open_watchdog", path); !recorded) {
        return std::unexpected(recorded.error());
    }
    int ignored = -1;
    return sys::WatchdogDevice{
        .fd = *open(ignored), .identity = "simulated", .timeout = std::chrono::seconds(60)};
}

Result<Nanoseconds> SimulatedKernel::set_watchdog_timeout(int, Nanoseconds timeout) noexcept {
    if (auto recorded = record("set_watchdog_timeout", ""); !recorded) {
        return std::unexpected(recorded.error());
    }
    watchdog_timeouts.emplace_back(now_, std::min(timeout, watchdog_limit));
    return watchdog_timeouts.back().second;
}

Result<> SimulatedKernel::feed_watchdog(int) noexcept {
    watchdog_feedings.push_back(now_);
    return record("feed_watchdog", "");
}

void SimulatedKernel::die(pid_t process, int status) {
    if (alive_.erase(process) == 0) { return; }
    deaths_.push_back({.process = process, .status = status});
    tells_of_deaths_ = true; // standard signals do not queue: one stands for all until it is taken
}

std::optional<sys::Death> SimulatedKernel::reap(bool& no_children) noexcept {
    no_children = deaths_.empty() && alive_.empty();
    if (deaths_.empty()) { return std::nullopt; }
    const sys::Death death = deaths_.front();
    deaths_.pop_front();
    return death;
}

Result<> SimulatedKernel::kill(pid_t process, int signal) noexcept {
    calls.push_back("kill " + std::to_string(process) + " " + std::to_string(signal));
    if (unkillable.contains(process)) { return {}; }
    if (signal == SIGKILL) {
        die(process, SIGKILL);
    } else if (signal == SIGTERM && !ignores_terminate) {
        after(dies_after, [this, process] { die(process, status_after_terminate); });
    }
    return {};
}

void SimulatedKernel::kill_all(int signal) noexcept {
    calls.push_back("kill_all " + std::to_string(signal));
    const std::set<pid_t> all = alive_;
    for (const pid_t process : all) {
        (void)kill(process, signal);
    }
}

std::optional<sys::Signal> SimulatedKernel::read_signal(int fd) noexcept {
    if (fd == deaths_fd_) {
        if (!std::exchange(tells_of_deaths_, false)) { return std::nullopt; }
        return sys::Signal{.number = SIGCHLD, .sender = 0};
    }
    if (signals_.empty()) { return std::nullopt; }
    const sys::Signal signal = signals_.front();
    signals_.pop_front();
    return signal;
}

std::optional<sys::Datagram> SimulatedKernel::receive(int, std::span<char> buffer) noexcept {
    if (datagrams_.empty()) { return std::nullopt; }
    const auto [sender, text] = datagrams_.front();
    datagrams_.pop_front();
    const std::size_t size = std::min(text.size(), buffer.size());
    std::copy_n(text.data(), size, buffer.data());
    return sys::Datagram{.text = {buffer.data(), size}, .sender = sender};
}

std::optional<int> SimulatedKernel::wait(int) noexcept {
    while (true) {
        if (tells_of_deaths_) { return deaths_fd_; }
        if (!signals_.empty()) { return signals_fd_; }
        if (!datagrams_.empty()) { return notify_fd_; }
        if (piped_) { return pipe_fd_; }
        if (!uevents_.empty() && uevents_fd_ >= 0) { return uevents_fd_; }
        if (const auto fd = unix_sockets.ready()) { return fd; }
        if (timer_ && *timer_ <= now_) { return timer_fd_; }
        const auto next = script_.begin();
        if (timer_ && (next == script_.end() || *timer_ <= next->first)) {
            now_ = *timer_;
        } else if (next != script_.end()) {
            now_ = std::max(now_, next->first);
            const auto action = std::move(next->second);
            script_.erase(next);
            action();
        } else if (!ran_dry) {
            ran_dry = true; // a way out of the loop, so that the test fails instead of hanging
            raise(SIGTERM);
        } else {
            std::abort();
        }
    }
}

Result<uid_t> SimulatedKernel::make_directory_for(const char* path, uid_t user, gid_t group) noexcept {
    const std::string owner = " for " + std::to_string(user) + ":" + std::to_string(group);
    if (auto recorded = record("make_directory", path + owner); !recorded) {
        return std::unexpected(recorded.error());
    }
    const auto found = owners.find(path);
    return found == owners.end() ? user : found->second;
}

Result<> SimulatedKernel::make_node(const char* path, mode_t mode, std::uint32_t major,
                                    std::uint32_t minor) noexcept {
    char words[64];
    std::snprintf(words, sizeof words, " %o %u:%u", mode, major, minor);
    return record("make_node", std::string(path) + words);
}

Result<std::string_view> SimulatedKernel::list_directory(const char* path, std::span<char> buffer) noexcept {
    const auto directory = directories.find(path);
    if (directory == directories.end()) {
        errno = ENOENT;
        return base::system_error("open", path);
    }
    return std::string_view(buffer.data(), directory->second.copy(buffer.data(), buffer.size()));
}

Result<std::string_view> SimulatedKernel::read_file(const char* path, std::span<char> buffer) noexcept {
    const auto file = files.find(path);
    if (file == files.end()) {
        errno = ENOENT;
        return base::system_error("open", path);
    }
    const std::size_t size = std::min(file->second.size(), buffer.size());
    std::copy_n(file->second.data(), size, buffer.data());
    return std::string_view(buffer.data(), size);
}

Result<UniqueFd> SimulatedKernel::open_for_writing(const char* path) noexcept {
    if (auto recorded = record("open_for_writing", path); !recorded) {
        return std::unexpected(recorded.error());
    }
    int ignored = -1;
    return open(ignored);
}

Result<sys::Kernel::Pipe> SimulatedKernel::open_pipe() noexcept {
    if (auto recorded = record("open_pipe", ""); !recorded) { return std::unexpected(recorded.error()); }
    int write = -1;
    Pipe pipe{.read = *open(pipe_fds_.emplace_back()), .write = *open(write)};
    return pipe;
}

std::optional<std::string_view> SimulatedKernel::read(int fd, std::span<char> buffer) noexcept {
    if (!piped_ || fd != pipe_fd_) { return std::nullopt; }
    const std::size_t size = piped_->copy(buffer.data(), buffer.size());
    piped_.reset();
    return std::string_view(buffer.data(), size);
}

Result<> SimulatedKernel::reboot(unsigned int command) noexcept {
    if (!initial_namespace) { // reboot_pid_ns() of the kernel
        errno = EINVAL;
        return base::system_error("reboot", "");
    }
    char text[32];
    std::snprintf(text, sizeof text, "%x", command);
    return record("reboot", text);
}

} // namespace vb::simulation
