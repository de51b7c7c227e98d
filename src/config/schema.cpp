#include "config/schema.h"

#include "config/signal_names.h"
#include "sys/socket_address.h"

#include <algorithm>

namespace vb::config {

namespace {

constexpr Key keys[] = {
    {"engine", "model", "the path of a GGUF file, in quotes"},
    {"engine", "context", "a whole number of tokens from 64 to 1048576"},
    {"engine", "cache", "a directory, in quotes, or \"\" for none"},
    {"engine", "threads", "a whole number from 0 (automatic) to 512"},
    {"handoff", "mode", "\"worker\" or \"exec\""},
    {"handoff", "command", "program and arguments, such as [\"/bin/sh\", \"-c\", \"...\"]"},
    {"handoff", "signal_group", "true or false"},
    {"handoff", "success", "exit statuses from 0 to 255, such as [0, 143]"},
    {"handoff", "parent_death", "a signal such as \"SIGTERM\", or \"\" for none"},
    {"handoff", "report_reaping", "true or false"},
    {"listen", "http", "an address such as \"127.0.0.1:8080\", \"[::1]:8080\" or \"*:8080\""},
    {"failure", "policy", "\"restart\", \"shell\", \"reboot\", \"poweroff\" or \"exit\""},
    {"failure", "limit", "a whole number from 1 to 1000"},
    {"shutdown", "timeout", "a whole number of milliseconds from 0 to 600000"},
    {"machine", "ctrl_alt_del", "\"reboot\", \"poweroff\" or \"ignore\""},
    {"log", "level", "\"error\", \"warning\", \"notice\", \"info\" or \"debug\""},
};

bool within(std::uint32_t value, std::uint32_t least, std::uint32_t most) noexcept {
    return least <= value && value <= most;
}

} // namespace

const Key* find_key(std::string_view section, std::string_view name) noexcept {
    const auto key = std::ranges::find_if(
        keys, [=](const Key& candidate) { return candidate.section == section && candidate.name == name; });
    return key == std::end(keys) ? nullptr : key;
}

bool is_section(std::string_view section) noexcept {
    return std::ranges::contains(keys, section, &Key::section);
}

base::Text<255> list_keys(std::string_view section) noexcept {
    base::Text<255> list;
    for (const Key& key : keys) {
        if (key.section == section) { list << (list.empty() ? "" : ", ") << key.name; }
    }
    return list;
}

base::Text<255> list_sections() noexcept {
    base::Text<255> list;
    std::string_view last;
    for (const Key& key : keys) {
        if (key.section != last) { list << (list.empty() ? "[" : ", [") << key.section << "]"; }
        last = key.section;
    }
    return list;
}

const Key* find_invalid(const Config& config) noexcept {
    if (config.engine.model.empty()) { return find_key("engine", "model"); }
    if (!within(config.engine.context, least_context, most_context)) { return find_key("engine", "context"); }
    if (!within(config.engine.threads, 0, most_threads)) { return find_key("engine", "threads"); }
    if (config.handoff.mode == HandoffMode::exec && config.handoff.command.empty()) {
        return find_key("handoff", "command");
    }
    if (!std::ranges::all_of(config.handoff.success,
                             [](int status) { return 0 <= status && status <= 255; })) {
        return find_key("handoff", "success");
    }
    if (!config.handoff.parent_death.empty() && parse_signal(config.handoff.parent_death) == 0) {
        return find_key("handoff", "parent_death");
    }
    if (!sys::parse_socket_address(config.listen.http)) { return find_key("listen", "http"); }
    if (!within(config.failure.limit, 1, 1000)) { return find_key("failure", "limit"); }
    if (!within(config.shutdown.timeout, 0, 600'000)) { return find_key("shutdown", "timeout"); }
    return nullptr;
}

} // namespace vb::config
