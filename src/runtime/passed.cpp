#include "runtime/passed.h"

#include "runtime/listen.h"

#include <cstdlib>
#include <unistd.h>

namespace vb::runtime {

std::string_view variable(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? std::string_view() : std::string_view(value);
}

trace::Timeline open_timeline(base::Nanoseconds started, const base::Log& log) {
    const std::string_view passed = variable(trace::environment_variable);
    int fd = -1;
    base::Result<trace::Timeline> timeline =
        passed.empty() ? trace::Timeline::create(started)
        : base::parse_number(passed, fd)
            ? trace::Timeline::attach(fd)
            : base::failure("attach the timeline", passed, "expected a descriptor");
    if (timeline) { return std::move(*timeline); }
    log.warning(base::describe(timeline.error()));
    return {}; // serving does not depend on it
}

base::Nanoseconds watchdog_interval() {
    std::uint64_t microseconds = 0;
    pid_t meant = 0;
    const std::string_view process = variable("WATCHDOG_PID");
    if (!process.empty() && (!base::parse_number(process, meant) || meant != ::getpid())) { return {}; }
    constexpr std::uint64_t most = std::uint64_t{1} << 50;
    if (!base::parse_number(variable("WATCHDOG_USEC"), microseconds) || microseconds > most) { return {}; }
    return std::chrono::microseconds(microseconds);
}

std::uint32_t restarts() {
    std::uint32_t count = 0;
    return base::parse_number(variable("VECTOR_BOOT_RESTARTS"), count) ? count : 0;
}

Notifier open_notifier(const base::Log& log) {
    auto notifier = Notifier::connect(variable("NOTIFY_SOCKET"));
    if (notifier) { return std::move(*notifier); }
    log.warning(base::describe(notifier.error()));
    return {}; // nor does it depend on this
}

base::Result<std::vector<base::UniqueFd>> listening_sockets(const std::string& address) {
    auto sockets = inherited_sockets({.pid = std::getenv("LISTEN_PID"),
                                      .fds = std::getenv("LISTEN_FDS"),
                                      .names = std::getenv("LISTEN_FDNAMES")});
    if (!sockets || !sockets->empty()) { return sockets; }
    auto bound = bind_socket(address);
    if (!bound) { return std::unexpected(bound.error()); }
    sockets->push_back(std::move(*bound));
    return sockets;
}

void forget_passed() {
    for (const char* const name :
         {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_USEC", "WATCHDOG_PID",
          "VECTOR_BOOT_LOG_PREFIX", "VECTOR_BOOT_RESTARTS", trace::environment_variable, "GLIBC_TUNABLES"}) {
        ::unsetenv(name);
    }
}

} // namespace vb::runtime
