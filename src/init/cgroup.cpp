#include "init/cgroup.h"

namespace vb::init {

namespace {

constexpr char root[] = "/sys/fs/cgroup";
constexpr char services[] = "/sys/fs/cgroup/services";
constexpr std::uint64_t period = 100'000; // microseconds, as the kernel's own default

base::Text<191> file_in(std::string_view group, std::string_view name) noexcept {
    base::Text<191> path;
    return path << group << "/" << name;
}

// One by one: a controller that is missing must not keep the others out.
void enable_controllers(sys::Kernel& kernel, std::string_view group) noexcept {
    for (const char* const controller : {"+memory", "+cpu", "+pids"}) {
        (void)kernel.write_file(file_in(group, "cgroup.subtree_control").c_str(), controller);
    }
}

} // namespace

bool prepare_cgroups(sys::Kernel& kernel) noexcept {
    char controllers[512];
    if (!kernel.read_file(file_in(root, "cgroup.controllers").c_str(), controllers)) { return false; }
    enable_controllers(kernel, root);
    if (!kernel.make_directory(services, 0755)) { return false; }
    enable_controllers(kernel, services);
    return true;
}

base::Result<base::UniqueFd> Cgroup::open(sys::Kernel& kernel, const config::Service& limits) noexcept {
    if (auto made = kernel.make_directory(path_.c_str(), 0755); !made) {
        return std::unexpected(made.error());
    }
    base::Text<31> value;
    if (const auto bytes = config::parse_size(limits.memory)) {
        value << *bytes;
        const auto set = kernel.write_file(file_in(path_, "memory.max").c_str(), value);
        if (!set) { return std::unexpected(set.error()); }
    }
    if (limits.cpus > 0) {
        value.clear();
        value << static_cast<std::uint64_t>(limits.cpus * static_cast<double>(period)) << " " << period;
        const auto set = kernel.write_file(file_in(path_, "cpu.max").c_str(), value);
        if (!set) { return std::unexpected(set.error()); }
    }
    return kernel.open_for_writing(file_in(path_, "cgroup.procs").c_str());
}

void Cgroup::kill(sys::Kernel& kernel) noexcept {
    (void)kernel.write_file(file_in(path_, "cgroup.kill").c_str(), "1");
}

void Cgroup::remove(sys::Kernel& kernel) noexcept { (void)kernel.remove_directory(path_.c_str()); }

std::optional<std::uint64_t> Cgroup::memory(sys::Kernel& kernel) const noexcept {
    char buffer[32];
    auto text = kernel.read_file(file_in(path_, "memory.current").c_str(), buffer);
    if (!text) { return std::nullopt; }
    if (text->ends_with('\n')) { text->remove_suffix(1); }
    std::uint64_t bytes = 0;
    return base::parse_number(*text, bytes) ? std::optional(bytes) : std::nullopt;
}

} // namespace vb::init
