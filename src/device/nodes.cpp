#include "device/nodes.h"

#include "base/error.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace vb::device {

namespace {

struct Node {
    const char* name;
    unsigned int major, minor;
    mode_t mode;
};
// Numbers of the kernel's Documentation/admin-guide/devices.txt.
constexpr Node nodes[] = {
    {"null", 1, 3, 0666},    {"zero", 1, 5, 0666}, {"full", 1, 7, 0666},    {"random", 1, 8, 0666},
    {"urandom", 1, 9, 0666}, {"tty", 5, 0, 0666},  {"console", 5, 1, 0600}, {"kmsg", 1, 11, 0600},
};

struct Link {
    const char* name;
    const char* target;
};
constexpr Link links[] = {
    {"ptmx", "pts/ptmx"}, // that of this devpts, whichever it is
    {"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"},
    {"stdout", "/proc/self/fd/1"}, {"stderr", "/proc/self/fd/2"},
};

base::Result<> make_node(const char* directory, const Node& node) noexcept {
    base::Text<255> path;
    path << directory << "/" << node.name;
    if (::mknod(path.c_str(), S_IFCHR | node.mode, ::makedev(node.major, node.minor)) != 0) {
        if (errno == EEXIST) { return {}; }
        return base::system_error("mknod", path);
    }
    // The mode above has gone through our umask.
    if (::chmod(path.c_str(), node.mode) != 0) { return base::system_error("chmod", path); }
    return {};
}

base::Result<> make_link(const char* directory, const Link& link) noexcept {
    base::Text<255> path;
    path << directory << "/" << link.name;
    if (::symlink(link.target, path.c_str()) != 0 && errno != EEXIST) {
        return base::system_error("symlink", path);
    }
    return {};
}

} // namespace

int make_nodes(const char* directory, const base::Log& log) noexcept {
    int failed = 0;
    const auto count = [&failed, &log](const base::Result<>& made) {
        if (made) { return; }
        log.warning(base::describe(made.error()));
        ++failed;
    };
    for (const Node& node : nodes) {
        count(make_node(directory, node));
    }
    for (const Link& link : links) {
        count(make_link(directory, link));
    }
    return failed;
}

} // namespace vb::device
