#include "device/nodes.h"

#include <optional>
#include <sys/stat.h>

namespace vb::device {

namespace {

struct Node {
    base::Text<255> name; // below /dev
    std::uint32_t major = 0, minor = 0;
    mode_t mode = 0; // with its type
};

struct StandardNode {
    std::string_view name;
    std::uint32_t major, minor;
    mode_t mode;
};
// Numbers of the kernel's Documentation/admin-guide/devices.txt. Also where there is no sysfs.
constexpr StandardNode standard_nodes[] = {
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

constexpr mode_t usual_mode = 0600; // as devtmpfs has it

// As the kernel words it. Nothing where it is no node, or its name leads elsewhere.
std::optional<Node> describe_node(std::string_view name, std::string_view major, std::string_view minor,
                                  std::string_view mode, bool is_block) noexcept {
    Node node{.name = name};
    mode_t permissions = usual_mode;
    if (!mode.empty()) {
        const char* const end = std::to_address(mode.end());
        const auto [stop, fault] = std::from_chars(std::to_address(mode.begin()), end, permissions, 8);
        if (fault != std::errc{} || stop != end || permissions > 0777) { return std::nullopt; }
    }
    if (!base::parse_number(major, node.major) || !base::parse_number(minor, node.minor)) {
        return std::nullopt;
    }
    for (std::string_view rest = name; !rest.empty();) {
        const std::string_view part = base::take_until(rest, '/');
        if (part.empty() || part == "." || part == "..") { return std::nullopt; }
    }
    if (name.empty() || name.ends_with('/') || node.name.truncated()) { return std::nullopt; }
    node.mode = permissions | (is_block ? mode_t{S_IFBLK} : mode_t{S_IFCHR});
    return node;
}

// From the lines of a device's uevent file in sysfs.
std::optional<Node> parse_node(std::string_view lines, bool is_block) noexcept {
    std::string_view name, major, minor, mode;
    while (!lines.empty()) {
        std::string_view value = base::take_until(lines, '\n');
        const std::string_view key = base::take_until(value, '=');
        if (key == "DEVNAME") { name = value; }
        if (key == "MAJOR") { major = value; }
        if (key == "MINOR") { minor = value; }
        if (key == "DEVMODE") { mode = value; }
    }
    return describe_node(name, major, minor, mode, is_block);
}

base::Result<> make_node(sys::Kernel& kernel, const char* directory, const Node& node) noexcept {
    base::Text<511> path(directory);
    path << "/";
    std::string_view rest = node.name;
    while (rest.contains('/')) { // "input/event0"
        path << base::take_until(rest, '/');
        if (auto made = kernel.make_directory(path.c_str(), 0755); !made) { return made; }
        path << "/";
    }
    return kernel.make_node((path << rest).c_str(), node.mode, node.major, node.minor);
}

class Making {
  public:
    Making(sys::Kernel& kernel, const base::Log& log, const NodePlaces& places) noexcept
        : kernel_(kernel), log_(log), places_(places) {}

    int failed() const noexcept { return failed_; }

    void make_standard() noexcept {
        for (const auto& [name, major, minor, mode] : standard_nodes) {
            count(make_node(kernel_, places_.nodes,
                            {.name = name, .major = major, .minor = minor, .mode = S_IFCHR | mode}));
        }
        for (const auto& [name, target] : links) {
            base::Text<255> path(places_.nodes);
            count(kernel_.make_link(target, (path << "/" << name).c_str()));
        }
    }

    void make_devices(std::string_view kind) noexcept {
        base::Text<255> directory(places_.devices);
        directory << "/" << kind;
        char buffer[65536]; // some thousands of them
        const auto listed = kernel_.list_directory(directory.c_str(), buffer);
        if (!listed) {
            count(std::unexpected(listed.error()));
            return;
        }
        std::string_view numbers = *listed;
        while (!numbers.empty()) {
            base::Text<511> path(directory.view());
            path << "/" << base::take_until(numbers, '\n') << "/uevent";
            char text[4096]; // the most that sysfs gives, and one more
            const auto lines = kernel_.read_file(path.c_str(), text);
            if (!lines) { continue; } // it has just gone
            if (const auto node = parse_node(*lines, kind == "block")) {
                count(make_node(kernel_, places_.nodes, *node));
            }
        }
    }

  private:
    void count(const base::Result<>& made) noexcept {
        if (made) { return; }
        log_.warning(base::describe(made.error()));
        ++failed_;
    }

    sys::Kernel& kernel_;
    const base::Log& log_;
    const NodePlaces& places_;
    int failed_ = 0;
};

} // namespace

int make_nodes(sys::Kernel& kernel, const base::Log& log, const NodePlaces& places) noexcept {
    Making making(kernel, log, places);
    making.make_standard();
    making.make_devices("char");
    making.make_devices("block");
    return making.failed();
}

void follow(sys::Kernel& kernel, const base::Log& log, const Uevent& event,
            const NodePlaces& places) noexcept {
    const auto node =
        describe_node(event.device_name, event.major, event.minor, event.mode, event.subsystem == "block");
    if (!node) { return; }
    base::Result<> done;
    if (event.action == Uevent::Action::add) { done = make_node(kernel, places.nodes, *node); }
    if (event.action == Uevent::Action::remove) {
        base::Text<511> path(places.nodes);
        done = kernel.remove_file((path << "/" << node->name).c_str());
    }
    if (!done) { log.warning(base::describe(done.error())); }
}

} // namespace vb::device
