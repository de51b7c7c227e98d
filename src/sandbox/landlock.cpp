#include "sandbox/landlock.h"

#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace vb::sandbox {

namespace {

using base::system_error;
using base::UniqueFd;

constexpr std::uint64_t reading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t keeping = reading | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE |
                                  LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE;
constexpr std::uint64_t using_device = reading | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_IOCTL_DEV;

// What a rule for a file, rather than a directory, may permit; the kernel refuses the rest.
constexpr std::uint64_t of_files = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                                   LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_TRUNCATE |
                                   LANDLOCK_ACCESS_FS_IOCTL_DEV;

// All that an ABI can refuse, in the bits of linux/landlock.h: it has grown by the highest ones.
std::uint64_t file_rights(int abi) noexcept {
    const std::uint64_t highest = abi >= 9   ? LANDLOCK_ACCESS_FS_RESOLVE_UNIX
                                  : abi >= 5 ? LANDLOCK_ACCESS_FS_IOCTL_DEV
                                  : abi >= 3 ? LANDLOCK_ACCESS_FS_TRUNCATE
                                  : abi == 2 ? LANDLOCK_ACCESS_FS_REFER
                                             : LANDLOCK_ACCESS_FS_MAKE_SYM;
    return 2 * highest - 1;
}

landlock_ruleset_attr everything(int abi) noexcept {
    landlock_ruleset_attr attributes{};
    attributes.handled_access_fs = file_rights(abi);
    if (abi >= 4) {
        attributes.handled_access_net = LANDLOCK_ACCESS_NET_BIND_TCP | LANDLOCK_ACCESS_NET_CONNECT_TCP;
    }
    if (abi >= 10) {
        attributes.handled_access_net |= LANDLOCK_ACCESS_NET_BIND_UDP | LANDLOCK_ACCESS_NET_CONNECT_SEND_UDP;
    }
    if (abi >= 6) { attributes.scoped = LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | LANDLOCK_SCOPE_SIGNAL; }
    return attributes;
}

} // namespace

base::Result<Ruleset> Ruleset::create() {
    const long abi =
        ::syscall(SYS_landlock_create_ruleset, nullptr, std::size_t{0}, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 0) { return system_error("use", "Landlock"); }
    const landlock_ruleset_attr attributes = everything(static_cast<int>(abi));
    // An older kernel takes the longer structure of a newer header as long as what it does not know is zero.
    UniqueFd fd(static_cast<int>(
        ::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0U))); // CLOEXEC by itself
    if (!fd) { return system_error("create", "a Landlock ruleset"); }
    return Ruleset(std::move(fd), static_cast<int>(abi));
}

base::Result<> Ruleset::allow(const char* path, Access access) const {
    const UniqueFd object(::open(path, O_PATH | O_CLOEXEC));
    struct stat status{};
    if (!object || ::fstat(object.get(), &status) != 0) { return system_error("open", path); }
    std::uint64_t rights = access == Access::read     ? reading
                           : access == Access::device ? using_device
                                                      : keeping;
    rights &= file_rights(abi_);
    if (!S_ISDIR(status.st_mode)) { rights &= of_files; }
    const landlock_path_beneath_attr rule{.allowed_access = rights, .parent_fd = object.get()};
    if (::syscall(SYS_landlock_add_rule, fd_.get(), LANDLOCK_RULE_PATH_BENEATH, &rule, 0U) != 0) {
        return system_error("permit", path);
    }
    return {};
}

base::Result<> Ruleset::enforce() const {
    if (::syscall(SYS_landlock_restrict_self, fd_.get(), 0U) != 0) {
        return system_error("enforce", "the Landlock ruleset");
    }
    return {};
}

} // namespace vb::sandbox
