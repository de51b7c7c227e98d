// What a machine is told to do: config.toml, the words of the kernel command line and the command's own
// arguments end up in this one struct, checked, each later one winning over the earlier.
// The struct is the schema: its member names are the keys. Nothing here touches the machine.
#pragma once

#include "base/log.h"
#include "config/rule.h"
#include "config/service.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace vb::config {

inline constexpr std::uint32_t least_context = 64;
inline constexpr std::uint32_t most_context = 1U << 20;
inline constexpr std::uint32_t most_threads = 512;
inline constexpr std::uint32_t most_parallel = 64;
inline constexpr std::uint32_t most_queued = 65'536;
inline constexpr std::uint32_t longest_request = 3'600'000; // milliseconds
inline constexpr std::uint32_t longest_end = 600'000;       // milliseconds

struct Engine {
    std::string model = "/models/model.gguf";
    std::uint32_t context = 2048; // tokens of prompt and answer together
    // Directory for what saves time at the next start; empty: nothing is kept.
    std::string cache = "/var/cache/vector_boot";
    std::uint32_t threads = 0;  // 0: as many as the CPU affinity and the cgroup's quota allow
    std::uint32_t parallel = 8; // answers that are computed at once
    std::uint32_t kept = 0;     // tokens of past requests that stay computed; 0: as many as `context`
    bool operator==(const Engine&) const = default;
};

enum class HandoffMode : std::uint8_t { worker, python, exec };

// Whose word says that the machine is up: the engine's alone, or that of the program as well.
enum class HandoffReady : std::uint8_t { engine, app };

struct Handoff {
    HandoffMode mode = HandoffMode::worker;
    HandoffReady ready = HandoffReady::engine; // python
    bool site = false;                         // python: the system's packages
    // The command's init: what tini's -g, -e, -p and -w ask for.
    bool signal_group = false;
    bool report_reaping = false;
    std::vector<int> success; // its exit statuses that count as 0
    std::string parent_death; // the signal to get when our own parent dies; empty: none
    // Python: a file, directory, zip, or MODULE:FUNCTION, and what follows it in sys.argv.
    std::string app = "/app/main.py";
    std::vector<std::string> arguments;
    std::string venv;                 // virtual environment; empty: none
    std::string directory;            // where it runs; empty: PID 1's own
    std::string user;                 // name or number that it runs as; empty: as PID 1
    std::vector<std::string> command; // exec: program and arguments
    bool operator==(const Handoff&) const = default;
};

struct Listen {
    std::string http = "127.0.0.1:8080";
    bool operator==(const Listen&) const = default;
};

struct Http {
    std::string keys;                 // file of the API keys, one a line; empty: everybody may ask
    std::vector<std::string> origins; // whose web pages may ask, such as "https://example.com"
    std::string certificate;          // PEM files of TLS; empty: plain HTTP
    std::string private_key;
    bool access_log = true;
    std::uint32_t queue = 256;            // requests that may wait for their turn
    std::uint32_t queue_timeout = 60'000; // milliseconds that one may wait
    std::uint32_t request_timeout = 0;    // milliseconds that a whole request may take; 0: any time
    std::uint32_t drain = 5000; // milliseconds for the answers under way when the runtime is told to end
    bool operator==(const Http&) const = default;
};

inline constexpr char runtime_user[] = "vector_boot";

struct Sandbox {
    bool enabled = true;
    std::string user = runtime_user;   // name or number that the runtime runs as
    std::vector<std::string> readable; // paths that it may read besides what it needs
    bool operator==(const Sandbox&) const = default;
};

enum class FailurePolicy : std::uint8_t { restart, shell, reboot, poweroff, exit };

enum class CrashAction : std::uint8_t { reboot, shell, freeze };

struct Failure {
    // When the runtime keeps failing: restart it for ever, or do this after `limit` failures in a row.
    FailurePolicy policy = FailurePolicy::restart;
    std::uint32_t limit = 5;
    CrashAction crash = CrashAction::reboot; // when PID 1 of a machine itself faults
    bool operator==(const Failure&) const = default;
};

struct Watchdog {
    std::string device = "/dev/watchdog0";
    std::uint32_t timeout = 30'000;        // milliseconds without food until the machine is reset
    std::uint32_t reboot_timeout = 60'000; // the same for reboot(2) itself, when all has ended
    // Milliseconds without proof that its engine works until the runtime is killed; 0: never. The default is more than
    // a slow machine takes to read a prompt with a large model.
    std::uint32_t runtime = 300'000;
    bool operator==(const Watchdog&) const = default;
};

struct Shutdown {
    std::uint32_t timeout =
        5000; // milliseconds from SIGTERM to SIGKILL; the runtime has [http] drain before it
    bool operator==(const Shutdown&) const = default;
};

enum class CtrlAltDel : std::uint8_t { reboot, poweroff, ignore };

// Where a boot stops for a shell on the console: before anything is done, or when all is up but the runtime.
enum class Break : std::uint8_t { never, early, runtime };

struct Machine {
    CtrlAltDel ctrl_alt_del = CtrlAltDel::reboot;
    std::string hostname; // empty: as the kernel has it
    std::string ip;       // as the kernel word of this name; which wins
    Break break_at = Break::never;
    std::string modules = "/lib/modules"; // has a folder for each kernel, named by its release
    bool operator==(const Machine&) const = default;
};

struct Mount {
    std::string source;
    std::string target;
    std::string type;
    std::string options; // as in fstab(5), such as "ro,noatime"
    bool operator==(const Mount&) const = default;
};

// A piece of hardware that the Python program drives, by its name. One of the others says which it is.
struct Device {
    std::string name;
    std::string pci;       // "1234:11e8" or "0000:00:04.0"
    std::string vfio;      // the same, with interrupts by message and DMA
    std::string uio;       // what its driver calls it
    std::string path;      // in /sys/devices
    std::string file;      // a plain file that stands for one
    std::string interrupt; // of a file: a FIFO
    std::string gpio;      // a line, "gpiochip0:17?direction=output"
    std::string input;     // eventN, or what the device calls itself
    bool operator==(const Device&) const = default;
};

struct Control {
    std::string group; // whose members may ask and tell PID 1 everything; empty: root alone
    bool operator==(const Control&) const = default;
};

struct Logging {
    base::Level level = base::Level::info;
    // Of the journal on disk; empty: in memory only. Absent: /var/log/vector_boot on a machine, else none.
    std::optional<std::string> directory;
};

struct Config {
    Engine engine;
    Handoff handoff;
    Listen listen;
    Http http;
    Sandbox sandbox;
    Failure failure;
    Shutdown shutdown;
    Watchdog watchdog;
    Machine machine;
    Control control;
    Logging log;
    std::vector<Service> service;
    std::vector<Mount> mount;
    std::vector<Device> device;
    std::vector<Rule> on;
    std::map<std::string, std::string> sysctl; // such as "vm.swappiness" = "10"
};

inline constexpr char run_directory[] = "/run/vector_boot";
inline constexpr char timeline_path[] = "/run/vector_boot/timeline";
inline constexpr char default_path[] = "/etc/vector_boot/config.toml";

} // namespace vb::config
