#include "init/machine.h"

#include <algorithm>
#include <sys/mount.h>

namespace vb::init {

namespace {

constexpr struct {
    std::string_view name;
    unsigned long flag;
    bool is_set; // else the option takes the flag away
} flag_names[] = {
    {"ro", MS_RDONLY, true},           {"rw", MS_RDONLY, false},         {"nosuid", MS_NOSUID, true},
    {"suid", MS_NOSUID, false},        {"nodev", MS_NODEV, true},        {"dev", MS_NODEV, false},
    {"noexec", MS_NOEXEC, true},       {"exec", MS_NOEXEC, false},       {"noatime", MS_NOATIME, true},
    {"atime", MS_NOATIME, false},      {"relatime", MS_RELATIME, true},  {"nodiratime", MS_NODIRATIME, true},
    {"sync", MS_SYNCHRONOUS, true},    {"async", MS_SYNCHRONOUS, false}, {"bind", MS_BIND, true},
    {"rbind", MS_BIND | MS_REC, true}, {"remount", MS_REMOUNT, true},    {"defaults", 0, true},
};

void warn(const base::Result<>& result, const base::Log& log) noexcept {
    if (!result) { log.warning(base::describe(result.error())); }
}

} // namespace

void set_hostname(sys::Kernel& kernel, const base::Log& log, const config::Machine& machine) noexcept {
    if (!machine.hostname.empty()) { warn(kernel.set_hostname(machine.hostname), log); }
}

base::Text<255> parameter_path(std::string_view name) noexcept {
    base::Text<255> path("/proc/sys/");
    const std::size_t first = name.find_first_of("./");
    const bool is_path = first != std::string_view::npos && name[first] == '/';
    for (const char character : name) {
        path << (character == '.' && !is_path ? std::string_view("/") : std::string_view(&character, 1));
    }
    return path;
}

void set_parameters(sys::Kernel& kernel, const base::Log& log,
                    const std::map<std::string, std::string>& parameters) noexcept {
    for (const auto& [name, value] : parameters) {
        warn(kernel.write_file(parameter_path(name).c_str(), value), log);
    }
}

MountOptions parse_mount_options(std::string_view options) noexcept {
    MountOptions parsed;
    while (!options.empty()) {
        const std::string_view word = base::take_until(options, ',');
        const auto known =
            std::ranges::find_if(flag_names, [word](const auto& flag) { return flag.name == word; });
        if (known == std::end(flag_names)) {
            if (!word.empty()) { parsed.data << (parsed.data.empty() ? "" : ",") << word; }
        } else if (known->is_set) {
            parsed.flags |= known->flag;
        } else {
            parsed.flags &= ~known->flag;
        }
    }
    return parsed;
}

int mount_configured(sys::Kernel& kernel, const base::Log& log,
                     const std::vector<config::Mount>& mounts) noexcept {
    int status = 0;
    for (const config::Mount& one : mounts) {
        // Where that fails, mount(2) is the one to complain.
        (void)kernel.make_directory(one.target.c_str(), 0755);
        const MountOptions options = parse_mount_options(one.options);
        const auto mounted = kernel.mount({.source = one.source.c_str(),
                                           .target = one.target.c_str(),
                                           .type = one.type.c_str(),
                                           .flags = options.flags,
                                           .data = options.data.empty() ? nullptr : options.data.c_str()});
        // A bind mount takes its flags from the original; only a second call gives it others.
        const bool has_flags = (options.flags & MS_BIND) != 0 && (options.flags & ~(MS_BIND | MS_REC)) != 0;
        if (mounted && has_flags) {
            warn(kernel.mount({.source = nullptr,
                               .target = one.target.c_str(),
                               .type = nullptr,
                               .flags = options.flags | MS_REMOUNT,
                               .data = nullptr}),
                 log);
        }
        if (mounted) { continue; }
        log.error(base::describe(mounted.error()), " (from ", one.source, ")");
        status = 1;
    }
    return status;
}

} // namespace vb::init
