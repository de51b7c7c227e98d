// Linux itself behind the seam.
#pragma once

#include "sys/kernel.h"

namespace vb::sys {

class NativeKernel final : public Kernel {
  public:
    base::Nanoseconds now() noexcept override { return base::monotonic_now(); }

    pid_t process_id() noexcept override;
    uid_t user_id() noexcept override;
    Result<pid_t> spawn(const SpawnRequest& request) noexcept override;
    Result<pid_t> spawn_read_ahead(const char* path) noexcept override;
    Result<pid_t> spawn_task(const Task& task) noexcept override;
    std::optional<Death> reap(bool& no_children) noexcept override;
    Result<> kill(pid_t process, int signal) noexcept override;
    Result<> forward(pid_t process, const Signal& signal) noexcept override;
    Result<bool> follow_parent(int signal) noexcept override;
    void kill_all(int signal) noexcept override;
    Result<> become_subreaper() noexcept override;

    Result<Signals> open_signals() noexcept override;
    std::optional<Signal> read_signal(int signals) noexcept override;

    Result<UniqueFd> open_poll() noexcept override;
    Result<> watch(int poll, int fd) noexcept override;
    std::optional<int> wait(int poll) noexcept override;
    Result<UniqueFd> open_timer() noexcept override;
    void set_timer(int timer, std::optional<base::Nanoseconds> deadline) noexcept override;

    Result<Pipe> open_pipe() noexcept override;
    std::optional<std::string_view> read(int fd, std::span<char> buffer) noexcept override;

    Result<UniqueFd> adopt_listening(int fd) noexcept override;
    Result<UniqueFd> listen(const SocketAddress& address) noexcept override;
    Result<UniqueFd> open_notify_socket(base::Text<107>& name) noexcept override;
    std::optional<Datagram> receive(int socket, std::span<char> buffer) noexcept override;

    Result<UniqueFd> listen_unix(const char* path, mode_t mode, std::optional<gid_t> group) noexcept override;
    Result<Connection> accept(int listener) noexcept override;
    bool is_peer_in_group(int socket, gid_t group) noexcept override;
    Result<std::size_t> receive_part(int socket, std::span<char> buffer) noexcept override;
    Result<std::size_t> send_part(int socket, std::string_view bytes) noexcept override;
    Result<> watch_for(int poll, int fd, Readiness readiness) noexcept override;
    void unwatch(int poll, int fd) noexcept override;

    Result<> bring_up(const char* interface) noexcept override;
    Result<> configure(const Ipv4Interface& interface) noexcept override;

    Result<UniqueFd> open_uevents() noexcept override { return sys::open_uevents(); }
    std::optional<DeviceEvent> receive_uevent(int socket, std::span<char> buffer) noexcept override {
        return sys::receive_uevent(socket, buffer);
    }
    Result<WatchdogDevice> open_watchdog(const char* path) noexcept override;
    Result<base::Nanoseconds> set_watchdog_timeout(int watchdog, base::Nanoseconds timeout) noexcept override;
    Result<> feed_watchdog(int watchdog) noexcept override;
    Result<> stop_watchdog(int watchdog) noexcept override;

    Result<> make_directory(const char* path, mode_t mode) noexcept override;
    Result<uid_t> make_directory_for(const char* path, uid_t user, gid_t group) noexcept override;
    Result<> make_link(const char* target, const char* path) noexcept override;
    Result<> make_node(const char* path, mode_t mode, std::uint32_t major,
                       std::uint32_t minor) noexcept override;
    Result<> remove_file(const char* path) noexcept override;
    Result<std::string_view> list_directory(const char* path, std::span<char> buffer) noexcept override;
    Result<std::string_view> read_file(const char* path, std::span<char> buffer) noexcept override;
    Result<> write_file(const char* path, std::string_view text) noexcept override;
    Result<UniqueFd> open_for_writing(const char* path) noexcept override;
    Result<> remove_directory(const char* path) noexcept override;
    Result<> mount(const Mount& mount) noexcept override;
    Result<> unmount(const char* target) noexcept override;
    Result<> remount_read_only(const char* target) noexcept override;
    void sync() noexcept override;
    Result<> swap_off(const char* path) noexcept override;
    Result<> detach_loop(const char* device) noexcept override;
    void fill_standard_descriptors() noexcept override;
    Result<> open_console() noexcept override;

    void drop_program_pages() noexcept override;
    Result<> set_hostname(std::string_view name) noexcept override;
    Result<> reboot(unsigned int command) noexcept override;

  private:
    UniqueFd children_; // the list of them, opened while there are descriptors
};

} // namespace vb::sys
