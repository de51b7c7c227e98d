#include "device/uevent.h"

#include "base/text.h"
#include "device/alias.h"

namespace vb::device {

namespace {

struct ActionName {
    std::string_view name;
    Uevent::Action action;
};
constexpr ActionName action_names[] = {
    {"add", Uevent::Action::add},   {"remove", Uevent::Action::remove}, {"change", Uevent::Action::change},
    {"move", Uevent::Action::move}, {"online", Uevent::Action::online}, {"offline", Uevent::Action::offline},
    {"bind", Uevent::Action::bind}, {"unbind", Uevent::Action::unbind},
};

std::optional<Uevent::Action> action_of(std::string_view name) noexcept {
    for (const auto& [known, action] : action_names) {
        if (known == name) { return action; }
    }
    return std::nullopt;
}

// Takes the text up to the next NUL off `rest`; nothing if there is none.
std::optional<std::string_view> take_string(std::string_view& rest) noexcept {
    const std::size_t end = rest.find('\0');
    if (end == std::string_view::npos) { return std::nullopt; }
    const std::string_view string = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    return string;
}

bool set_once(std::string_view& field, std::string_view value) noexcept {
    if (!field.empty() || value.empty()) { return false; }
    field = value;
    return true;
}

void add_alias(Uevent& event, std::string_view value) noexcept {
    if (!is_alias(value)) { return; } // a device may have a strange name and still be a device
    for (std::string_view& alias : event.aliases) {
        if (alias.empty()) {
            alias = value;
            return;
        }
    }
}

struct Required {
    std::string_view action;
    std::string_view path;
    std::string_view sequence;
};

bool take_variable(std::string_view variable, Uevent& event, Required& required) noexcept {
    const std::size_t equals = variable.find('=');
    if (equals == 0 || equals == std::string_view::npos) { return false; }
    const std::string_view name = variable.substr(0, equals);
    const std::string_view value = variable.substr(equals + 1);
    if (name == "ACTION") { return set_once(required.action, value); }
    if (name == "DEVPATH") { return set_once(required.path, value); }
    if (name == "SEQNUM") { return set_once(required.sequence, value); }
    if (name == "SUBSYSTEM") { return set_once(event.subsystem, value); }
    if (name == "DEVNAME") { return set_once(event.device_name, value); }
    if (name == "MAJOR") { return set_once(event.major, value); }
    if (name == "MINOR") { return set_once(event.minor, value); }
    if (name == "DEVMODE") { return set_once(event.mode, value); }
    if (name == "MODALIAS") { add_alias(event, value); }
    return true;
}

} // namespace

std::string_view name_of(Uevent::Action action) noexcept {
    for (const ActionName& known : action_names) {
        if (known.action == action) { return known.name; }
    }
    return {};
}

std::optional<Uevent> parse_uevent(std::string_view datagram) noexcept {
    const auto header = take_string(datagram);
    if (!header) { return std::nullopt; }
    const std::size_t at = header->find('@');
    if (at == std::string_view::npos) { return std::nullopt; }
    const auto action = action_of(header->substr(0, at));
    const std::string_view path = header->substr(at + 1);
    if (!action || !path.starts_with('/')) { return std::nullopt; }

    Uevent event;
    event.action = *action;
    event.device_path = path;
    Required required;
    while (!datagram.empty()) {
        const auto variable = take_string(datagram);
        if (!variable || !take_variable(*variable, event, required)) { return std::nullopt; }
    }
    const bool agrees = required.action == header->substr(0, at) && required.path == path;
    if (!agrees || event.subsystem.empty() || !base::parse_number(required.sequence, event.sequence)) {
        return std::nullopt;
    }
    return event;
}

} // namespace vb::device
