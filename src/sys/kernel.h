// The seam to the kernel: what PID 1 asks of Linux, as thin typed calls. Tests put a simulated kernel with
// virtual time in its place. No policy lives here: a call does one thing, reports errno, and decides nothing.
// Every call is noexcept, allocates nothing and sets CLOEXEC on what it opens.
#pragma once

#include "base/clock.h"
#include "base/error.h"
#include "base/unique_fd.h"
#include "sys/socket_address.h"
#include "sys/uevent_socket.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <sys/types.h>

namespace vb::sys {

using base::Result;
using base::UniqueFd;

// How a child stands towards the terminal; see credentials(7).
enum class Terminal : unsigned char {
    none,       // a session of its own, no controlling terminal
    foreground, // its own process group, made the foreground one if fd 0 is our controlling terminal
    console,    // a session of its own with fd 0 as its controlling terminal
};

// Who a program runs as.
struct Identity {
    uid_t user = 0;
    gid_t group = 0;
    gid_t more_groups[32] = {};
    std::size_t more_count = 0;
};

struct ResourceLimit {
    int resource = 0; // RLIMIT_..., soft and hard alike
    std::uint64_t value = 0;
};

// What a program may do and use. Set in the child in the order of the members.
struct Confinement {
    int cgroup = -1; // cgroup.procs of its group, open for writing
    std::span<const ResourceLimit> limits;
    const char* directory = nullptr;
    // Bits of all capabilities that it may ever have; also what a user other than root gets. Where we may not lower
    // the bounding set, no_new_privileges has to do: then execve(2) gives back nothing that was given up.
    std::optional<std::uint64_t> capabilities;
    std::optional<Identity> identity;
    bool no_new_privileges = false;
};

struct SpawnRequest {
    const char* path = nullptr; // looked up in PATH when it has no slash
    char* const* arguments = nullptr;
    char* const* environment = nullptr;
    std::span<const int> inherited;  // become 3, 4, ... in the child; what is above them is closed there
    bool keeps_descriptors = false;  // instead: the child has what has no CLOEXEC, as with execve(2)
    char* process_id_slot = nullptr; // room for 11 characters inside `environment`: gets the child's pid
    Terminal terminal = Terminal::none;
    int output = -1; // becomes fds 1 and 2, and fd 0 is empty; -1: all three are ours
    const Confinement* confinement = nullptr;
};

// A death, as waitpid(2) tells it.
struct Death {
    pid_t process;
    int status;
};

struct Signal {
    int number;
    pid_t sender;
    bool is_queued = false; // by sigqueue(3), with a value
    std::uint64_t value = 0;
};

struct Datagram {
    std::string_view text; // points into the caller's buffer
    pid_t sender;          // from SCM_CREDENTIALS
};

// Who is at the other end of a unix socket, as it was when it connected: SO_PEERCRED of unix(7).
struct Peer {
    pid_t process;
    uid_t user;
    gid_t group;
};

struct Connection {
    UniqueFd socket;
    Peer peer;
};

enum class Readiness : unsigned char { readable, writable };

struct Mount {
    const char* source;
    const char* target;
    const char* type;
    unsigned long flags;
    const char* data;
};

struct Ipv4Interface {
    base::Text<15> name;
    in_addr address{};
    in_addr netmask{};
    in_addr gateway{}; // 0.0.0.0: no default route
};

// Work of our own for a child, such as may block for as long as a disk does: what `run` returns is its exit status.
struct Task {
    const char* name = ""; // that ps(1) shows, of at most 15 characters
    int (*run)(const void* argument) noexcept = nullptr;
    const void* argument = nullptr;
};

struct WatchdogDevice {
    UniqueFd fd;
    base::Text<32> identity;
    base::Nanoseconds timeout{}; // until the machine is reset; 0: the device does not say
};

class Kernel {
  public:
    virtual ~Kernel() = default;

    virtual base::Nanoseconds now() noexcept = 0; // CLOCK_MONOTONIC

    // Processes.
    virtual pid_t process_id() noexcept = 0;
    virtual uid_t user_id() noexcept = 0; // the effective one
    // Starts a program with default signal dispositions and an empty mask. An exec that fails is an error
    // here.
    virtual Result<pid_t> spawn(const SpawnRequest& request) noexcept = 0;
    // Starts a child that asks for the beginning of the file to be read, and exits.
    virtual Result<pid_t> spawn_read_ahead(const char* path) noexcept = 0;
    // Starts a child that runs `task` in a copy of our memory, with default signal dispositions, and exits.
    virtual Result<pid_t> spawn_task(const Task& task) noexcept = 0;
    // The next dead child, if one waits to be reaped. `no_children` is set when there is none left at all.
    virtual std::optional<Death> reap(bool& no_children) noexcept = 0;
    // A negative `process` is a process group.
    virtual Result<> kill(pid_t process, int signal) noexcept = 0;
    // Sends on what was received, with its value.
    virtual Result<> forward(pid_t process, const Signal& signal) noexcept = 0;
    // Asks for `signal` when the parent dies; false if it is dead already.
    virtual Result<bool> follow_parent(int signal) noexcept = 0;
    // Every process but this one that we are responsible for: all of the namespace as PID 1, else our
    // children.
    virtual void kill_all(int signal) noexcept = 0;
    virtual Result<> become_subreaper() noexcept = 0;

    // Signals: blocks all that can be, and delivers them through two descriptors.
    struct Signals {
        UniqueFd deaths; // SIGCHLD
        UniqueFd others;
    };
    virtual Result<Signals> open_signals() noexcept = 0;
    virtual std::optional<Signal> read_signal(int signals) noexcept = 0;

    // Events: level-triggered epoll(7) and one timerfd.
    virtual Result<UniqueFd> open_poll() noexcept = 0;
    virtual Result<> watch(int poll, int fd) noexcept = 0;
    // Blocks until a watched descriptor is readable, and names it; none on EINTR.
    virtual std::optional<int> wait(int poll) noexcept = 0;
    virtual Result<UniqueFd> open_timer() noexcept = 0;
    // Readable from `deadline` on; no deadline disarms it and clears it.
    virtual void set_timer(int timer, std::optional<base::Nanoseconds> deadline) noexcept = 0;

    // The read end does not block; whatever comes through it, or its end, makes it readable.
    struct Pipe {
        UniqueFd read;
        UniqueFd write;
    };
    virtual Result<Pipe> open_pipe() noexcept = 0;
    // What there is to read, up to the buffer's size: nothing at the end, no value when there is nothing yet.
    virtual std::optional<std::string_view> read(int fd, std::span<char> buffer) noexcept = 0;

    // Sockets.
    // Takes over a listening socket that was passed to this process, and sets CLOEXEC on it.
    virtual Result<UniqueFd> adopt_listening(int fd) noexcept = 0;
    virtual Result<UniqueFd> listen(const SocketAddress& address) noexcept = 0;
    // A datagram socket at an abstract address that the kernel picks; `name` gets it as NOTIFY_SOCKET wants
    // it.
    virtual Result<UniqueFd> open_notify_socket(base::Text<107>& name) noexcept = 0;
    virtual std::optional<Datagram> receive(int socket, std::span<char> buffer) noexcept = 0;

    // Stream connections on unix sockets. Nothing here blocks: what is not there yet is EAGAIN.
    // A socket at `path` with `mode` and, if given, that owning group. It takes the place of one that nobody
    // listens on any more; a live one is EADDRINUSE.
    virtual Result<UniqueFd> listen_unix(const char* path, mode_t mode,
                                         std::optional<gid_t> group) noexcept = 0;
    virtual Result<Connection> accept(int listener) noexcept = 0;
    // Whether `group` is the peer's own group or one of its supplementary groups.
    virtual bool is_peer_in_group(int socket, gid_t group) noexcept = 0;
    // How much was received into `buffer` or sent of `bytes`; nothing received is the end of the stream.
    virtual Result<std::size_t> receive_part(int socket, std::span<char> buffer) noexcept = 0;
    virtual Result<std::size_t> send_part(int socket, std::string_view bytes) noexcept = 0;
    // What a watched descriptor is watched for from now on: watch() begins with `readable`.
    virtual Result<> watch_for(int poll, int fd, Readiness readiness) noexcept = 0;
    // To be called before a watched descriptor is closed: epoll(7) forgets one by itself only when no child
    // has a copy of it either.
    virtual void unwatch(int poll, int fd) noexcept = 0;

    // Network interfaces.
    virtual Result<> bring_up(const char* interface) noexcept = 0;
    virtual Result<> configure(const Ipv4Interface& interface) noexcept = 0;

    // Devices. The uevents are as in sys/uevent_socket.h.
    virtual Result<UniqueFd> open_uevents() noexcept = 0;
    virtual std::optional<DeviceEvent> receive_uevent(int socket, std::span<char> buffer) noexcept = 0;
    // Opening a watchdog starts it; closing it does not stop it, see watchdog-api of the kernel's documentation.
    virtual Result<WatchdogDevice> open_watchdog(const char* path) noexcept = 0;
    // Returns what the device made of it.
    virtual Result<base::Nanoseconds> set_watchdog_timeout(int watchdog,
                                                           base::Nanoseconds timeout) noexcept = 0;
    virtual Result<> feed_watchdog(int watchdog) noexcept = 0;
    // Stops it and makes the close that follows a quiet one. EBUSY: it cannot be stopped ("nowayout").
    virtual Result<> stop_watchdog(int watchdog) noexcept = 0;

    // Files and mounts.
    virtual Result<> make_directory(const char* path, mode_t mode) noexcept = 0;
    // Makes `path`, and what is missing above it for everybody to read, without following a link anywhere. The last
    // directory, where it is new or ours and empty, is given to that user. Returns whose it is then.
    virtual Result<uid_t> make_directory_for(const char* path, uid_t user, gid_t group) noexcept = 0;
    virtual Result<> make_link(const char* target, const char* path) noexcept = 0;
    // A device node of the type and with exactly the permissions in `mode`.
    virtual Result<> make_node(const char* path, mode_t mode, std::uint32_t major,
                               std::uint32_t minor) noexcept = 0;
    virtual Result<> remove_file(const char* path) noexcept = 0;
    // The names in it, each with a newline after it; a longer list than fits is an error (EFBIG).
    virtual Result<std::string_view> list_directory(const char* path, std::span<char> buffer) noexcept = 0;
    // As much of the file as fits; a longer file is an error (EFBIG).
    virtual Result<std::string_view> read_file(const char* path, std::span<char> buffer) noexcept = 0;
    virtual Result<> write_file(const char* path, std::string_view text) noexcept = 0;
    virtual Result<UniqueFd> open_for_writing(const char* path) noexcept = 0;
    virtual Result<> remove_directory(const char* path) noexcept = 0;
    virtual Result<> mount(const Mount& mount) noexcept = 0;
    virtual Result<> unmount(const char* target) noexcept = 0;
    virtual Result<> remount_read_only(const char* target) noexcept = 0;
    // Writes what all file systems have in memory; blocks until that is done.
    virtual void sync() noexcept = 0;
    virtual Result<> swap_off(const char* path) noexcept = 0;
    // A loop device lets go of its file: at once, or as soon as nobody has it open.
    virtual Result<> detach_loop(const char* device) noexcept = 0;
    // Puts /dev/null on those of fds 0 to 2 that are closed, so that nothing else ever gets their numbers. Where
    // there is no /dev yet, something that can be neither read nor written, until it is called again.
    virtual void fill_standard_descriptors() noexcept = 0;
    // Puts /dev/console on fds 0 to 2.
    virtual Result<> open_console() noexcept = 0;

    // Gives back the pages of our program, heap and stack that only starting up has needed. Those of the program that
    // are needed again come back from the page cache.
    virtual void drop_program_pages() noexcept = 0;
    virtual Result<> set_hostname(std::string_view name) noexcept = 0;

    // The machine. `command` is a LINUX_REBOOT_CMD_ value of reboot(2); success of the final ones never
    // returns.
    virtual Result<> reboot(unsigned int command) noexcept = 0;
};

} // namespace vb::sys
