// The control groups that this process is in, of version 1 or 2, with all those around them: each may set a limit.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace vb::engine {

struct ControlGroup {
    std::string name;      // as in /proc/self/cgroup
    std::string directory; // of its files
    bool is_version_2;
};

// Those with files of `controller`, such as "memory"; `root` holds proc/ and sys/.
std::vector<ControlGroup> control_groups(const std::string& root, std::string_view controller);

// Empty where there is no such file.
std::string first_line(const std::string& path);

} // namespace vb::engine
