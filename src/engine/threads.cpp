#include "engine/threads.h"

#include "base/text.h"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string_view>

namespace vb::engine {
namespace {

constexpr double unlimited = std::numeric_limits<double>::infinity();

std::string first_line(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

double quota(std::string_view quota_text, std::string_view period_text) {
    double period = 0;
    long long microseconds = 0;
    long long period_microseconds = 0;
    // "max" (v2) and -1 (v1) mean no limit.
    if (!base::parse_number(quota_text, microseconds) || microseconds <= 0) { return unlimited; }
    if (base::parse_number(period_text, period_microseconds)) {
        period = static_cast<double>(period_microseconds);
    }
    return period > 0 ? static_cast<double>(microseconds) / period : unlimited;
}

double quota_v2(const std::string& directory) {
    const std::string line = first_line(directory + "/cpu.max");
    const std::string_view text = line;
    const auto space = text.find(' ');
    if (space == std::string_view::npos) { return unlimited; }
    return quota(text.substr(0, space), text.substr(space + 1));
}

double quota_v1(const std::string& directory) {
    return quota(first_line(directory + "/cpu.cfs_quota_us"), first_line(directory + "/cpu.cfs_period_us"));
}

// Every ancestor limits too, so walk from the group up to the mount.
template <class Quota>
double least_quota(const std::string& mount, std::string group, Quota quota_of) {
    double least = quota_of(mount);
    while (group.size() > 1) {
        least = std::min(least, quota_of(mount + group));
        group.resize(group.rfind('/'));
    }
    return least;
}

bool names_cpu(std::string_view controllers) {
    while (!controllers.empty()) {
        const auto comma = std::min(controllers.find(','), controllers.size());
        if (controllers.substr(0, comma) == "cpu") { return true; }
        controllers.remove_prefix(std::min(comma + 1, controllers.size()));
    }
    return false;
}

// Lines of /proc/self/cgroup: "0::/group" (v2) and "4:cpu,cpuacct:/group" (v1).
double cgroup_quota(const std::string& root) {
    std::ifstream groups(root + "/proc/self/cgroup");
    double least = unlimited;
    for (std::string line; std::getline(groups, line);) {
        const auto first = line.find(':');
        const auto second = first == std::string::npos ? first : line.find(':', first + 1);
        if (second == std::string::npos) { continue; }
        const std::string controllers = line.substr(first + 1, second - first - 1);
        const std::string group = line.substr(second + 1);
        if (!group.starts_with('/')) { continue; }
        if (controllers.empty()) {
            least = std::min(least, least_quota(root + "/sys/fs/cgroup", group, quota_v2));
        } else if (names_cpu(controllers)) {
            least = std::min(least, least_quota(root + "/sys/fs/cgroup/cpu", group, quota_v1));
        }
    }
    return least;
}

} // namespace

unsigned usable_threads(unsigned affinity, const std::string& root) {
    const double least = std::min(static_cast<double>(affinity), cgroup_quota(root));
    return std::max(1U, static_cast<unsigned>(least));
}

unsigned usable_threads() {
    // Larger than cpu_set_t's 1024 CPUs fails with EINVAL, and then so many are there that one is not missed.
    cpu_set_t set;
    CPU_ZERO(&set);
    const bool known = sched_getaffinity(0, sizeof set, &set) == 0;
    return usable_threads(known ? static_cast<unsigned>(CPU_COUNT(&set)) : 1024U, "");
}

} // namespace vb::engine
