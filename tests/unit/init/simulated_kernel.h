// A kernel of plain data with virtual time: wait() advances the clock to the next thing that happens, so a
// minute of back-off takes no time and every run is the same. Descriptors are real ones (of /dev/null),
// because UniqueFd closes them.
#pragma once

#include "sys/kernel.h"
#include "unit/init/simulated_unix_sockets.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace vb::simulation {

using base::Nanoseconds;
using sys::Result;
using sys::UniqueFd;

class SimulatedKernel final : public sys::Kernel {
  public:
    // What the test sets up.
    pid_t own_process_id = 1;
    uid_t own_user_id = 0;
    SimulatedUnixSockets unix_sockets;
    bool initial_namespace = false;
    std::map<std::string, std::string> files;
    std::map<std::string, std::string> directories;     // each name in it with a newline
    std::map<std::string, uid_t> owners;                // of directories that are not ours to give away
    std::map<std::string, int> failing;                 // operation -> errno
    std::function<void(pid_t)> on_spawn = [](pid_t) {}; // a program was started
    std::function<void(const std::string&)> on_call = [](const std::string&) {};
    // A child has begun, in a copy of us.
    std::function<void(const sys::Task&)> on_task = [](const sys::Task&) {};
    bool ignores_terminate = false; // processes die of SIGKILL only
    Nanoseconds dies_after{std::chrono::milliseconds(1)};
    Nanoseconds watchdog_limit{std::chrono::seconds(255)}; // the device allows no longer timeout
    // The child that ends the disks works at once, and ends after this; nothing: it hangs.
    std::optional<Nanoseconds> disks_take{std::chrono::milliseconds(3)};
    int disks_end_with = 0;         // wait status
    std::set<pid_t> unkillable;     // stuck in the kernel
    int status_after_terminate = 0; // wait status

    // What the test makes happen, now or later.
    void at(Nanoseconds time, std::function<void()> action) { script_.emplace(time, std::move(action)); }
    void after(Nanoseconds delay, std::function<void()> action) { at(now_ + delay, std::move(action)); }
    void uevent(std::string text) { uevents_.emplace_back(std::move(text)); }
    void lose_uevents() { uevents_.emplace_back(std::nullopt); }
    void raise(int signal) { signals_.push_back({.number = signal, .sender = 0}); }
    void die(pid_t process, int status);
    void advance_to(Nanoseconds time) { now_ = std::max(now_, time); }
    void adopt_orphan(pid_t process) { alive_.insert(process); }
    void notify(pid_t sender, std::string text) { datagrams_.emplace_back(sender, std::move(text)); }

    // Into the pipe that was opened as the first one, or after so many others.
    void write_to_pipe(std::string text, std::size_t which = 0) {
        piped_ = std::move(text);
        pipe_fd_ = pipe_fds_.at(which);
    }

    // What the test looks at.
    std::vector<std::string> calls;
    std::vector<Nanoseconds> spawn_times;
    std::vector<std::vector<std::string>> spawned_arguments;
    std::vector<std::vector<std::string>> spawned_environments;
    std::vector<std::vector<int>> inherited;
    std::vector<sys::Confinement> confinements; // of what was spawned; its spans and pointers are not kept
    std::size_t task_count = 0;
    std::vector<std::pair<Nanoseconds, Nanoseconds>> watchdog_timeouts; // when, how long
    std::vector<Nanoseconds> watchdog_feedings;
    bool ran_dry = false; // nothing was left to happen: the code under test would sleep for ever
    bool has_called(const std::string& call) const;
    std::size_t position(const std::string& call) const; // npos if it never came

    Nanoseconds now() noexcept override { return now_; }
    pid_t process_id() noexcept override { return own_process_id; }
    uid_t user_id() noexcept override { return own_user_id; }
    Result<pid_t> spawn(const sys::SpawnRequest& request) noexcept override;
    Result<pid_t> spawn_read_ahead(const char* path) noexcept override;
    Result<pid_t> spawn_task(const sys::Task& task) noexcept override;
    std::optional<sys::Death> reap(bool& no_children) noexcept override;
    Result<> kill(pid_t process, int signal) noexcept override;
    Result<> forward(pid_t process, const sys::Signal& signal) noexcept override {
        return kill(process, signal.number);
    }
    Result<bool> follow_parent(int) noexcept override { return true; }
    void kill_all(int signal) noexcept override;
    Result<> become_subreaper() noexcept override { return record("become_subreaper", ""); }
    Result<Signals> open_signals() noexcept override {
        return Signals{.deaths = *open(deaths_fd_), .others = *open(signals_fd_)};
    }
    std::optional<sys::Signal> read_signal(int fd) noexcept override;
    Result<UniqueFd> open_poll() noexcept override;
    Result<> watch(int, int fd) noexcept override {
        if (auto recorded = record("watch", ""); !recorded) { return recorded; }
        return unix_sockets.watch(fd, sys::Readiness::readable);
    }
    std::optional<int> wait(int poll) noexcept override;
    Result<UniqueFd> open_timer() noexcept override;
    void set_timer(int, std::optional<Nanoseconds> deadline) noexcept override { timer_ = deadline; }
    Result<UniqueFd> adopt_listening(int fd) noexcept override;
    Result<UniqueFd> listen(const sys::SocketAddress& address) noexcept override;
    Result<UniqueFd> open_notify_socket(base::Text<107>& name) noexcept override;
    std::optional<sys::Datagram> receive(int, std::span<char> buffer) noexcept override;
    Result<UniqueFd> listen_unix(const char* path, mode_t mode,
                                 std::optional<gid_t> group) noexcept override {
        return unix_sockets.listen(path, mode, group);
    }
    Result<sys::Connection> accept(int) noexcept override { return unix_sockets.accept(); }
    bool is_peer_in_group(int fd, gid_t group) noexcept override {
        return unix_sockets.is_in_group(fd, group);
    }
    Result<std::size_t> receive_part(int fd, std::span<char> buffer) noexcept override {
        return unix_sockets.receive(fd, buffer);
    }
    Result<std::size_t> send_part(int fd, std::string_view bytes) noexcept override {
        return unix_sockets.send(fd, bytes);
    }
    Result<> watch_for(int, int fd, sys::Readiness readiness) noexcept override {
        return unix_sockets.watch(fd, readiness);
    }
    void unwatch(int, int fd) noexcept override { unix_sockets.unwatch(fd); }
    Result<> bring_up(const char* interface) noexcept override { return record("bring_up", interface); }
    Result<> configure(const sys::Ipv4Interface& interface) noexcept override {
        return record("configure", std::string(interface.name.view()));
    }
    Result<UniqueFd> open_uevents() noexcept override;
    std::optional<sys::DeviceEvent> receive_uevent(int, std::span<char> buffer) noexcept override;
    Result<sys::WatchdogDevice> open_watchdog(const char* path) noexcept override;
    Result<Nanoseconds> set_watchdog_timeout(int, Nanoseconds timeout) noexcept override;
    Result<> feed_watchdog(int) noexcept override;
    Result<> stop_watchdog(int) noexcept override { return record("stop_watchdog", ""); }
    Result<> make_directory(const char*, mode_t) noexcept override { return {}; }
    Result<uid_t> make_directory_for(const char* path, uid_t user, gid_t group) noexcept override;
    Result<> make_link(const char*, const char* path) noexcept override { return record("make_link", path); }
    Result<> make_node(const char* path, mode_t mode, std::uint32_t major,
                       std::uint32_t minor) noexcept override;
    Result<> remove_file(const char* path) noexcept override { return record("remove_file", path); }
    Result<std::string_view> list_directory(const char* path, std::span<char> buffer) noexcept override;
    Result<std::string_view> read_file(const char* path, std::span<char> buffer) noexcept override;
    Result<> write_file(const char* path, std::string_view text) noexcept override {
        files[path] = text;
        return record("write_file", path);
    }
    Result<UniqueFd> open_for_writing(const char* path) noexcept override;
    Result<> remove_directory(const char* path) noexcept override { return record("remove_directory", path); }
    void drop_program_pages() noexcept override {}
    Result<> set_hostname(std::string_view name) noexcept override {
        return record("set_hostname", std::string(name));
    }
    Result<Pipe> open_pipe() noexcept override;
    std::optional<std::string_view> read(int fd, std::span<char> buffer) noexcept override;
    Result<> mount(const sys::Mount& mount) noexcept override { return record("mount", mount.target); }
    Result<> unmount(const char* target) noexcept override { return record("unmount", target); }
    Result<> remount_read_only(const char* target) noexcept override { return record("remount", target); }
    void sync() noexcept override { (void)record("sync", ""); }
    Result<> swap_off(const char* path) noexcept override { return record("swap_off", path); }
    Result<> detach_loop(const char* device) noexcept override { return record("detach_loop", device); }
    void fill_standard_descriptors() noexcept override {}
    Result<> open_console() noexcept override { return record("open_console", ""); }
    Result<> reboot(unsigned int command) noexcept override;

  private:
    Result<> record(const std::string& operation, const std::string& object);
    Result<UniqueFd> open(int& fd);
    Result<pid_t> start(const std::string& call, const std::string& object = "");

    Nanoseconds now_{std::chrono::seconds(100)};
    std::multimap<Nanoseconds, std::function<void()>> script_;
    std::deque<sys::Signal> signals_;
    std::deque<std::pair<pid_t, std::string>> datagrams_;
    std::deque<sys::Death> deaths_;
    std::deque<std::optional<std::string>> uevents_; // nothing: some were lost
    std::set<pid_t> alive_;
    std::optional<Nanoseconds> timer_;
    pid_t next_process_ = 100;
    bool tells_of_deaths_ = false;
    int deaths_fd_ = -1;
    int signals_fd_ = -1;
    int timer_fd_ = -1;
    int notify_fd_ = -1;
    std::vector<int> pipe_fds_;
    int pipe_fd_ = -1; // the one that can be read
    std::optional<std::string> piped_;
    int uevents_fd_ = -1;
};

} // namespace vb::simulation
