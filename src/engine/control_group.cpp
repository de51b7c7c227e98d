#include "engine/control_group.h"

#include <algorithm>
#include <fstream>

namespace vb::engine {
namespace {

bool contains_name(std::string_view names, std::string_view name) {
    while (!names.empty()) {
        const auto comma = std::min(names.find(','), names.size());
        if (names.substr(0, comma) == name) { return true; }
        names.remove_prefix(std::min(comma + 1, names.size()));
    }
    return false;
}

// Every ancestor limits too, so up to the mount.
void add_with_ancestors(std::vector<ControlGroup>& groups, const std::string& mount, std::string group,
                        bool is_version_2) {
    while (group.size() > 1) {
        groups.push_back({.name = group, .directory = mount + group, .is_version_2 = is_version_2});
        group.resize(group.rfind('/'));
    }
    groups.push_back({.name = "/", .directory = mount, .is_version_2 = is_version_2});
}

} // namespace

std::string first_line(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

// Lines of /proc/self/cgroup: "0::/group" (v2) and "4:cpu,cpuacct:/group" (v1).
std::vector<ControlGroup> control_groups(const std::string& root, std::string_view controller) {
    std::vector<ControlGroup> groups;
    std::ifstream lines(root + "/proc/self/cgroup");
    const std::string mount = root + "/sys/fs/cgroup";
    for (std::string line; std::getline(lines, line);) {
        const auto first = line.find(':');
        const auto second = first == std::string::npos ? first : line.find(':', first + 1);
        if (second == std::string::npos) { continue; }
        const std::string controllers = line.substr(first + 1, second - first - 1);
        const std::string group = line.substr(second + 1);
        if (!group.starts_with('/')) { continue; }
        if (controllers.empty()) {
            add_with_ancestors(groups, mount, group, true);
        } else if (contains_name(controllers, controller)) {
            add_with_ancestors(groups, mount + "/" + std::string(controller), group, false);
        }
    }
    return groups;
}

} // namespace vb::engine
