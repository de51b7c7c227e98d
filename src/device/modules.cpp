#include "device/modules.h"

#include "base/clock.h"
#include "base/unique_fd.h"
#include "device/alias.h"
#include "device/module_loader.h"

#include <algorithm>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace vb::device {

namespace {

// Deeper than any bus behind bridges behind hubs; a bound for a tree that is not sysfs.
constexpr unsigned int deepest_device = 64;

void read_aliases(int directory, std::vector<std::string>& aliases) noexcept {
    const base::UniqueFd file(::openat(directory, "modalias", O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    char buffer[4096]; // the most that sysfs gives
    const ssize_t size = ::read(file.get(), buffer, sizeof buffer);
    if (size <= 0) { return; } // the device may just have gone
    std::string_view rest(buffer, static_cast<std::size_t>(size));
    std::string_view line;
    while (take_line(rest, line)) {
        if (is_alias(line)) { aliases.push_back(with_underscores(line)); }
    }
}

// Every device has one of these, and nothing of ours is ever in it: half of the tree.
constexpr std::string_view power_directory = "power";

bool is_directory(int parent, const dirent& entry) noexcept {
    for (const std::string_view passed_over :
         {std::string_view("."), std::string_view(".."), power_directory}) {
        if (passed_over == entry.d_name) { return false; }
    }
    if (entry.d_type != DT_UNKNOWN) { return entry.d_type == DT_DIR; }
    struct stat status{};
    return ::fstatat(parent, entry.d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);
}

// Takes over `descriptor`, which is one of a directory.
void walk(base::UniqueFd descriptor, unsigned int depth, std::vector<std::string>& aliases) noexcept {
    DIR* const directory = descriptor ? ::fdopendir(descriptor.get()) : nullptr;
    if (directory == nullptr) { return; }
    const int parent = descriptor.release();
    while (const dirent* const entry = ::readdir(directory)) {
        if (std::string_view(entry->d_name) == "modalias") {
            read_aliases(parent, aliases);
        } else if (depth < deepest_device && is_directory(parent, *entry)) {
            walk(base::UniqueFd(
                     ::openat(parent, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)),
                 depth + 1, aliases);
        }
    }
    ::closedir(directory);
}

} // namespace

int coldplug(const ModuleOptions& options, const base::Log& log) noexcept {
    const base::Nanoseconds began = base::monotonic_now();
    ModuleLoader loader(options, log);
    if (!loader.open()) { return 0; }
    std::vector<std::string> aliases;
    walk(base::UniqueFd(::open(options.devices, O_RDONLY | O_DIRECTORY | O_CLOEXEC)), 0, aliases);
    std::ranges::sort(aliases);
    const auto repeated = std::ranges::unique(aliases);
    aliases.erase(repeated.begin(), repeated.end());
    loader.load_for(aliases);
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(base::monotonic_now() - began);
    log.info("loaded ", loader.loaded_count(), " modules for ", aliases.size(), " kinds of devices in ",
             took.count(), " ms");
    return loader.has_failed() ? 1 : 0;
}

int load(const ModuleOptions& options, std::span<const std::string_view> names,
         const base::Log& log) noexcept {
    ModuleLoader loader(options, log);
    if (!loader.open()) { return 0; }
    for (const std::string_view name : names) {
        loader.load_named(name);
    }
    return loader.has_failed() ? 1 : 0;
}

} // namespace vb::device
