#include "init/mounts.h"

#include "device/nodes.h"

#include <cerrno>
#include <sys/mount.h>

namespace vb::init {

namespace {

constexpr char devtmpfs[] = "devtmpfs";
constexpr sys::Mount proc = {"proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr};

struct EarlyMount {
    sys::Mount mount;
    mode_t mode;
};
constexpr EarlyMount early_mounts[] = {
    {{"sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr}, 0555},
    {{"devtmpfs", "/dev", devtmpfs, MS_NOSUID, "mode=0755"}, 0755},
    {{"devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "mode=0620,gid=5,ptmxmode=0666"}, 0755},
    {{"tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777"}, 01777},
    {{"tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755"}, 0755},
    {{"tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777"}, 01777},
    {{"cgroup2", "/sys/fs/cgroup", "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr}, 0555},
};

// Of a line of mountinfo: what follows the separator after the optional fields.
std::string_view type_of(std::string_view line) noexcept {
    constexpr std::string_view separator = " - ";
    const std::size_t at = line.find(separator);
    if (at == std::string_view::npos) { return {}; }
    line.remove_prefix(at + separator.size());
    return base::take_until(line, ' ');
}

void mount_one(sys::Kernel& kernel, const base::Log& log, const EarlyMount& early) noexcept {
    // On a read-only root the directory must be there already; then mount(2) is the one to complain.
    (void)kernel.make_directory(early.mount.target, early.mode);
    auto mounted = kernel.mount(early.mount);
    if (!mounted && mounted.error().number == ENODEV && early.mount.type == std::string_view(devtmpfs)) {
        log.notice("this kernel has no devtmpfs: the nodes in /dev are made here");
        mounted = kernel.mount({"tmpfs", "/dev", "tmpfs", MS_NOSUID, "mode=0755"});
    }
    if (!mounted && mounted.error().number != EBUSY) { log.warning(base::describe(mounted.error())); }
}

} // namespace

bool has_own_nodes(sys::Kernel& kernel) noexcept {
    char buffer[32768];
    std::string_view rest = kernel.read_file(mountinfo_path, buffer).value_or("");
    std::string_view type = devtmpfs;
    while (!rest.empty()) {
        const std::string_view line = base::take_until(rest, '\n');
        if (mount_point_of(line) == "/dev") { type = type_of(line); } // the last one covers the others
    }
    return type != devtmpfs;
}

std::string_view mount_point_of(std::string_view line) noexcept {
    for (int field = 1; field < 5; ++field) {
        const std::size_t space = line.find(' ');
        if (space == std::string_view::npos) { return {}; }
        line.remove_prefix(space + 1);
    }
    return line.substr(0, line.find(' '));
}

base::Text<4095> unescape_path(std::string_view text) noexcept {
    base::Text<4095> plain;
    while (!text.empty()) {
        unsigned int code = 0;
        const bool escaped =
            text.size() >= 4 && text[0] == '\\' &&
            std::from_chars(text.data() + 1, text.data() + 4, code, 8).ptr == text.data() + 4 && code < 256;
        const char character = escaped ? static_cast<char>(code) : text[0];
        plain << std::string_view(&character, 1);
        text.remove_prefix(escaped ? 4 : 1);
    }
    return plain;
}

bool is_mount_point(std::string_view mountinfo, std::string_view path) noexcept {
    while (!mountinfo.empty()) {
        if (mount_point_of(base::take_until(mountinfo, '\n')) == path) { return true; }
    }
    return false;
}

base::Result<> mount_proc(sys::Kernel& kernel) noexcept {
    char byte[16];
    const auto there = kernel.read_file("/proc/sys/kernel/pid_max", byte);
    if (there) { return {}; }
    if (auto made = kernel.make_directory(proc.target, 0555); !made) { return made; }
    return kernel.mount(proc);
}

void mount_early(sys::Kernel& kernel, const base::Log& log) noexcept {
    char buffer[32768];
    const auto mountinfo = kernel.read_file(mountinfo_path, buffer);
    for (const EarlyMount& early : early_mounts) {
        if (mountinfo && is_mount_point(*mountinfo, early.mount.target)) { continue; }
        mount_one(kernel, log, early);
    }
    if (has_own_nodes(kernel)) { (void)device::make_nodes(kernel, log); }
}

} // namespace vb::init
