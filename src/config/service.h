// [[service]] of config.toml: what the machine needs besides the runtime, one program each.
#pragma once

#include "base/error.h"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vb::config {

enum class ServiceType : std::uint8_t { daemon, oneshot };
enum class Readiness : std::uint8_t { none, notify, fd };
enum class Restart : std::uint8_t { always, failure, never };

struct Service {
    std::string name;
    std::vector<std::string> command;       // program and arguments
    ServiceType type = ServiceType::daemon; // oneshot: ready when it has ended with status 0
    std::string user;                       // name or number; empty: root
    std::string group;                      // name or number; empty: the user's own
    std::vector<std::string> environment;   // NAME=value
    std::string directory;
    std::vector<std::string> after;     // started once these are ready, or have failed for good
    Readiness ready = Readiness::none;  // how it says that it is ready; none: it is when it runs
    Restart restart = Restart::failure; // a oneshot is tried again after a failure only
    std::uint32_t limit = 5;            // failures in a row before it is given up
    std::string stop_signal = "SIGTERM";
    std::uint32_t stop_timeout = 5000;           // milliseconds from stop_signal to SIGKILL
    std::string memory;                          // most that it may use, such as "64M"; empty: no limit
    double cpus = 0;                             // most CPUs that it may use, such as 0.5; 0: no limit
    std::map<std::string, std::uint64_t> limits; // resource limits, such as nofile = 1024
    std::optional<std::vector<std::string>> capabilities; // all that it may ever have; absent: all there are
    bool no_new_privileges = false;
    std::vector<std::string> sockets; // addresses, bound by PID 1 and passed as LISTEN_FDS

    bool operator==(const Service&) const = default;
};

// "64M", "1G", "4096": bytes; powers of 1024. Nothing for what is no size.
std::optional<std::uint64_t> parse_size(std::string_view text) noexcept;
// The number of "CAP_NET_ADMIN" or "net_admin"; see capabilities(7).
std::optional<unsigned> parse_capability(std::string_view name) noexcept;
// The RLIMIT_ number of "nofile"; see getrlimit(2).
std::optional<int> parse_limit(std::string_view name) noexcept;

// What is wrong with the first faulty service.
struct ServiceFault {
    std::size_t index; // of the service
    const char* key;
    base::Text<255> expected;
};
std::optional<ServiceFault> find_fault(std::span<const Service> services) noexcept;

} // namespace vb::config
