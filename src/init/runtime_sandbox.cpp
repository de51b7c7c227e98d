#include "init/runtime_sandbox.h"

#include "init/accounts.h"

#include <linux/capability.h>

namespace vb::init {

namespace {

using base::take_until;

constexpr std::size_t status_size = 8192; // /proc/PID/status has 1.5 kB

bool is_blank(char character) noexcept { return character == ' ' || character == '\t'; }

std::string_view take_word(std::string_view& text) noexcept {
    while (!text.empty() && is_blank(text.front())) {
        text.remove_prefix(1);
    }
    std::size_t size = 0;
    while (size < text.size() && !is_blank(text[size])) {
        ++size;
    }
    const std::string_view word = text.substr(0, size);
    text.remove_prefix(size);
    return word;
}

// The first word after "Name:" in what proc_pid_status(5) describes; empty where there is no such line.
std::string_view value_of(std::string_view status, std::string_view name) noexcept {
    while (!status.empty()) {
        std::string_view line = take_until(status, '\n');
        if (take_until(line, ':') == name) { return take_word(line); }
    }
    return {};
}

std::uint64_t bits_of(std::string_view hexadecimal) noexcept {
    std::uint64_t bits = 0;
    std::from_chars(hexadecimal.data(), hexadecimal.data() + hexadecimal.size(), bits, 16);
    return bits;
}

constexpr std::uint64_t bit_of(unsigned capability) noexcept { return std::uint64_t{1} << capability; }

// Whether an id means something in our user namespace: "FIRST PARENT'S COUNT" a line, user_namespaces(7).
bool is_mapped(sys::Kernel& kernel, const char* path, std::uint64_t id) noexcept {
    char buffer[4096];
    std::string_view lines = kernel.read_file(path, buffer).value_or("");
    while (!lines.empty()) {
        std::string_view line = take_until(lines, '\n');
        std::uint64_t first = 0;
        std::uint64_t count = 0;
        const bool is_read = base::parse_number(take_word(line), first);
        take_word(line);
        if (is_read && base::parse_number(take_word(line), count) && first <= id && id - first < count) {
            return true;
        }
    }
    return false;
}

// Why the runtime cannot be another user than we are; empty: it can.
base::Text<127> obstacle_to(sys::Kernel& kernel, const sys::Identity& identity) noexcept {
    base::Text<127> obstacle;
    if (kernel.user_id() != 0) { return obstacle << "vector_boot is not root"; }
    char buffer[status_size];
    const std::uint64_t held =
        bits_of(value_of(kernel.read_file("/proc/self/status", buffer).value_or(""), "CapEff"));
    if ((held & bit_of(CAP_SETUID)) == 0 || (held & bit_of(CAP_SETGID)) == 0) {
        return obstacle << "vector_boot has no CAP_SETUID and CAP_SETGID";
    }
    if (kernel.read_file("/proc/self/setgroups", buffer).value_or("").starts_with("deny")) {
        return obstacle << "this user namespace denies setgroups(2)";
    }
    bool mapped = is_mapped(kernel, "/proc/self/uid_map", identity.user) &&
                  is_mapped(kernel, "/proc/self/gid_map", identity.group);
    for (std::size_t index = 0; index < identity.more_count; ++index) {
        mapped = mapped && is_mapped(kernel, "/proc/self/gid_map", identity.more_groups[index]);
    }
    if (!mapped) { obstacle << "this user namespace has no user " << identity.user << " with its groups"; }
    return obstacle;
}

sys::Identity identity_of(sys::Kernel& kernel, const base::Log& log, std::string_view user) noexcept {
    const auto account = find_account(kernel, user, "");
    if (account) { return account->identity; }
    if (user != config::runtime_user) {
        log.warning(base::describe(account.error()), "; the runtime runs as user ", unnamed_user);
    }
    sys::Identity identity;
    identity.user = unnamed_user;
    identity.group = unnamed_user;
    return identity;
}

} // namespace

sys::Confinement confine_runtime(sys::Kernel& kernel, const base::Log& log,
                                 const config::Sandbox& sandbox) noexcept {
    sys::Confinement confinement;
    if (!sandbox.enabled) { return confinement; }
    confinement.capabilities = 0;
    confinement.no_new_privileges = true;
    const sys::Identity identity = identity_of(kernel, log, sandbox.user);
    const auto obstacle = obstacle_to(kernel, identity);
    if (obstacle.empty()) {
        confinement.identity = identity;
    } else if (kernel.user_id() != identity.user) {
        log.notice("the runtime runs as user ", kernel.user_id(), ": ", obstacle);
    }
    return confinement;
}

base::Result<sys::Confinement> confine_program(sys::Kernel& kernel, std::string_view user) noexcept {
    sys::Confinement confinement;
    if (user.empty()) { return confinement; }
    const auto account = find_account(kernel, user, "");
    if (!account) { return std::unexpected(account.error()); }
    if (account->identity.user != kernel.user_id()) { confinement.identity = account->identity; }
    return confinement;
}

void prepare_cache(sys::Kernel& kernel, const base::Log& log, const std::string& path,
                   const sys::Confinement& confinement) noexcept {
    if (path.empty() || !confinement.identity) { return; }
    const sys::Identity& user = *confinement.identity;
    const auto owner = kernel.make_directory_for(path.c_str(), user.user, user.group);
    if (!owner) {
        log.warning("nothing is kept for the next start: ", base::describe(owner.error()));
    } else if (*owner != user.user) {
        log.warning("nothing is kept for the next start: ", path, " belongs to user ", *owner, ", expected ",
                    user.user, ": chown -R it, or remove it");
    }
}

std::optional<control::Confinement> confinement_of(sys::Kernel& kernel, pid_t process,
                                                   std::optional<std::uint32_t> landlock_abi) noexcept {
    base::Text<31> path("/proc/");
    path << process << "/status";
    char buffer[status_size];
    const auto status = kernel.read_file(path.c_str(), buffer);
    control::Confinement confinement;
    if (!status || !base::parse_number(value_of(*status, "Uid"), confinement.user)) { return std::nullopt; }
    confinement.capabilities = bits_of(value_of(*status, "CapPrm"));
    confinement.no_new_privileges = value_of(*status, "NoNewPrivs") == "1";
    confinement.seccomp = value_of(*status, "Seccomp") == "2"; // SECCOMP_MODE_FILTER
    confinement.landlock_abi = landlock_abi;
    return confinement;
}

} // namespace vb::init
