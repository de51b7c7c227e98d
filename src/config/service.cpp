#include "config/service.h"

#include "config/names.h"
#include "config/signal_names.h"
#include "sys/socket_address.h"

#include <algorithm>
#include <bitset>
#include <sys/resource.h>

namespace vb::config {

namespace {

// In the order of their numbers: linux/capability.h.
constexpr std::string_view capability_names[] = {"chown",
                                                 "dac_override",
                                                 "dac_read_search",
                                                 "fowner",
                                                 "fsetid",
                                                 "kill",
                                                 "setgid",
                                                 "setuid",
                                                 "setpcap",
                                                 "linux_immutable",
                                                 "net_bind_service",
                                                 "net_broadcast",
                                                 "net_admin",
                                                 "net_raw",
                                                 "ipc_lock",
                                                 "ipc_owner",
                                                 "sys_module",
                                                 "sys_rawio",
                                                 "sys_chroot",
                                                 "sys_ptrace",
                                                 "sys_pacct",
                                                 "sys_admin",
                                                 "sys_boot",
                                                 "sys_nice",
                                                 "sys_resource",
                                                 "sys_time",
                                                 "sys_tty_config",
                                                 "mknod",
                                                 "lease",
                                                 "audit_write",
                                                 "audit_control",
                                                 "setfcap",
                                                 "mac_override",
                                                 "mac_admin",
                                                 "syslog",
                                                 "wake_alarm",
                                                 "block_suspend",
                                                 "audit_read",
                                                 "perfmon",
                                                 "bpf",
                                                 "checkpoint_restore"};

constexpr struct {
    std::string_view name;
    int resource;
} limit_names[] = {
    {"as", RLIMIT_AS},
    {"core", RLIMIT_CORE},
    {"cpu", RLIMIT_CPU},
    {"data", RLIMIT_DATA},
    {"fsize", RLIMIT_FSIZE},
    {"memlock", RLIMIT_MEMLOCK},
    {"msgqueue", RLIMIT_MSGQUEUE},
    {"nice", RLIMIT_NICE},
    {"nofile", RLIMIT_NOFILE},
    {"nproc", RLIMIT_NPROC},
    {"rtprio", RLIMIT_RTPRIO},
    {"rttime", RLIMIT_RTTIME},
    {"sigpending", RLIMIT_SIGPENDING},
    {"stack", RLIMIT_STACK},
};

constexpr std::size_t most_services = 64;

bool is_service_name(std::string_view text) noexcept {
    return is_name(text) && text != "runtime" && text != "command";
}

char lower(char character) noexcept {
    return 'A' <= character && character <= 'Z' ? static_cast<char>(character - 'A' + 'a') : character;
}

std::size_t position_of(std::span<const Service> services, std::string_view name) noexcept {
    const auto found = std::ranges::find(services, name, &Service::name);
    return static_cast<std::size_t>(found - services.begin());
}

// The first service that waits for itself, directly or through others: what is left when all have been taken out
// that wait for nothing that is still there.
std::optional<std::size_t> find_cycle(std::span<const Service> services) noexcept {
    std::bitset<most_services> settled;
    for (bool progress = true; progress;) {
        progress = false;
        for (std::size_t index = 0; index < services.size(); ++index) {
            const bool waits = std::ranges::any_of(services[index].after, [&](const std::string& name) {
                const std::size_t other = position_of(services, name);
                return other < services.size() && !settled[other];
            });
            if (settled[index] || waits) { continue; }
            settled.set(index);
            progress = true;
        }
    }
    for (std::size_t index = 0; index < services.size(); ++index) {
        if (!settled[index]) { return index; }
    }
    return std::nullopt;
}

// What is wrong with the service by itself.
std::optional<KeyFault> fault_of(const Service& service) noexcept {
    using std::ranges::all_of;
    if (!is_service_name(service.name)) {
        return KeyFault{"name",
                        "1 to 31 letters, digits, \"-\" or \"_\", and not \"runtime\" or \"command\""};
    }
    if (service.command.empty() || !service.command.front().starts_with('/')) {
        return KeyFault{"command", "program and arguments, such as [\"/usr/sbin/sshd\", \"-D\"]"};
    }
    if (!all_of(service.environment,
                [](const std::string& variable) { return variable.find('=') + 1 > 1; })) {
        return KeyFault{"environment", "a list such as [\"NAME=value\"]"};
    }
    if (service.limit < 1 || service.limit > 1000) {
        return KeyFault{"limit", "a whole number from 1 to 1000"};
    }
    if (parse_signal(service.stop_signal) == 0) {
        return KeyFault{"stop_signal", "a signal such as \"SIGTERM\""};
    }
    if (service.stop_timeout > 600'000) {
        return KeyFault{"stop_timeout", "a whole number of milliseconds from 0 to 600000"};
    }
    if (!service.memory.empty() && !parse_size(service.memory)) {
        return KeyFault{"memory", "a size such as \"64M\" or \"1G\""};
    }
    if (!(service.cpus >= 0 && service.cpus <= 4096)) {
        return KeyFault{"cpus", "a number of CPUs such as 0.5"};
    }
    if (!all_of(service.limits, [](const auto& limit) { return parse_limit(limit.first).has_value(); })) {
        return KeyFault{"limits", "names of getrlimit(2) such as { nofile = 1024, core = 0 }"};
    }
    if (service.capabilities && !all_of(*service.capabilities, [](const std::string& name) {
            return parse_capability(name).has_value();
        })) {
        return KeyFault{"capabilities", "names of capabilities(7) such as [\"CAP_NET_ADMIN\"]"};
    }
    if (!all_of(service.sockets,
                [](const std::string& address) { return sys::parse_socket_address(address).has_value(); })) {
        return KeyFault{"sockets", "addresses such as [\"0.0.0.0:22\"]"};
    }
    return std::nullopt;
}

} // namespace

std::optional<std::uint64_t> parse_size(std::string_view text) noexcept {
    constexpr std::string_view units = "KMGT";
    unsigned shift = 0;
    if (!text.empty()) {
        const std::size_t unit = units.find(text.back());
        if (unit != std::string_view::npos) {
            shift = 10 * (static_cast<unsigned>(unit) + 1);
            text.remove_suffix(1);
        }
    }
    std::uint64_t number = 0;
    if (!base::parse_number(text, number) || number == 0 || number > (~std::uint64_t{0} >> 1) >> shift) {
        return std::nullopt;
    }
    return number << shift;
}

std::optional<unsigned> parse_capability(std::string_view name) noexcept {
    const auto equal = [](char one, char other) { return lower(one) == other; };
    if (name.starts_with("CAP_") || name.starts_with("cap_")) { name.remove_prefix(4); }
    for (unsigned number = 0; number < std::size(capability_names); ++number) {
        if (std::ranges::equal(name, capability_names[number], equal)) { return number; }
    }
    return std::nullopt;
}

std::optional<int> parse_limit(std::string_view name) noexcept {
    for (const auto& [known, resource] : limit_names) {
        if (name == known) { return resource; }
    }
    return std::nullopt;
}

std::optional<ServiceFault> find_fault(std::span<const Service> services) noexcept {
    if (services.size() > most_services) {
        return ServiceFault{.index = most_services, .key = "name", .expected = "at most 64 services"};
    }
    for (std::size_t index = 0; index < services.size(); ++index) {
        const Service& service = services[index];
        if (const auto fault = fault_of(service)) {
            return ServiceFault{.index = index, .key = fault->key, .expected = fault->expected};
        }
        if (position_of(services, service.name) != index) {
            return ServiceFault{
                .index = index, .key = "name", .expected = "a name that no other service has"};
        }
        for (const std::string& name : service.after) {
            if (name == "runtime" || position_of(services, name) < services.size()) { continue; }
            return ServiceFault{
                .index = index, .key = "after", .expected = "names of services, or \"runtime\""};
        }
    }
    if (const auto index = find_cycle(services)) {
        return ServiceFault{
            .index = *index, .key = "after", .expected = "services that do not wait for this one"};
    }
    return std::nullopt;
}

} // namespace vb::config
