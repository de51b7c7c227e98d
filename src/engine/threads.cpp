#include "engine/threads.h"

#include "base/text.h"
#include "engine/control_group.h"

#include <sched.h>

#include <algorithm>
#include <limits>
#include <string_view>

namespace vb::engine {
namespace {

constexpr double no_quota = std::numeric_limits<double>::infinity();

double quota(std::string_view quota_text, std::string_view period_text) {
    double period = 0;
    long long microseconds = 0;
    long long period_microseconds = 0;
    // "max" (v2) and -1 (v1) mean no limit.
    if (!base::parse_number(quota_text, microseconds) || microseconds <= 0) { return no_quota; }
    if (base::parse_number(period_text, period_microseconds)) {
        period = static_cast<double>(period_microseconds);
    }
    return period > 0 ? static_cast<double>(microseconds) / period : no_quota;
}

double quota_v2(const std::string& directory) {
    const std::string line = first_line(directory + "/cpu.max");
    const std::string_view text = line;
    const auto space = text.find(' ');
    if (space == std::string_view::npos) { return no_quota; }
    return quota(text.substr(0, space), text.substr(space + 1));
}

double quota_v1(const std::string& directory) {
    return quota(first_line(directory + "/cpu.cfs_quota_us"), first_line(directory + "/cpu.cfs_period_us"));
}

double cgroup_quota(const std::string& root) {
    double least = no_quota;
    for (const ControlGroup& group : control_groups(root, "cpu")) {
        least = std::min(least, group.is_version_2 ? quota_v2(group.directory) : quota_v1(group.directory));
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
