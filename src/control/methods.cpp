// What each method of the two interfaces does.
#include "control/interfaces.h"
#include "control/server.h"

namespace vb::control {

namespace {

enum class Method : unsigned char {
    status,
    start,
    stop,
    restart,
    reload,
    power_off,
    reboot,
    halt,
    set_log_level,
    watch,
};

struct Entry {
    std::string_view name;
    Method method;
    Parameter parameter = Parameter::none;
    bool changes_something = true;
};

constexpr Entry entries[] = {
    {.name = "Status", .method = Method::status, .changes_something = false},
    {.name = "Start", .method = Method::start, .parameter = Parameter::unit},
    {.name = "Stop", .method = Method::stop, .parameter = Parameter::unit},
    {.name = "Restart", .method = Method::restart, .parameter = Parameter::unit},
    {.name = "Reload", .method = Method::reload},
    {.name = "PowerOff", .method = Method::power_off},
    {.name = "Reboot", .method = Method::reboot},
    {.name = "Halt", .method = Method::halt},
    {.name = "SetLogLevel", .method = Method::set_log_level, .parameter = Parameter::level},
    {.name = "Watch", .method = Method::watch, .changes_something = false},
};

const Entry* find_entry(std::string_view name) noexcept {
    for (const Entry& entry : entries) {
        if (entry.name == name) { return &entry; }
    }
    return nullptr;
}

std::optional<base::Level> level_of(std::string_view name) noexcept {
    for (std::size_t index = 0; index < std::size(base::level_names); ++index) {
        if (base::level_names[index] == name) { return static_cast<base::Level>(index); }
    }
    return std::nullopt;
}

bool reply(const Answer& answer, std::string_view unit, Replies& replies) noexcept {
    if (answer) { return replies.nothing(); }
    return answer.error().reason == Refusal::Reason::no_such_unit
               ? replies.error(ErrorKind::no_such_unit, unit)
               : replies.error(ErrorKind::failed, answer.error().text);
}

bool refuse(Parameter parameter, Replies& replies) noexcept {
    return replies.error(ErrorKind::invalid_parameter, parameter_names[static_cast<std::size_t>(parameter)]);
}

bool reload(Commands& commands, Replies& replies) noexcept {
    UnitNames changed;
    const Answer answer = commands.reload(changed);
    return answer ? replies.changes(changed) : reply(answer, "", replies);
}

bool set_log_level(std::string_view name, Commands& commands, Replies& replies) noexcept {
    const auto level = level_of(name);
    return level ? reply(commands.set_log_level(*level), "", replies) : refuse(Parameter::level, replies);
}

} // namespace

bool Server::answer(Session& session, std::string_view message) noexcept {
    const auto call = parse_call(message);
    if (!call) { return false; } // no Varlink at all: nobody there would understand a reply
    Replies replies(session.output, call->oneway);
    if (call->upgrade) { return replies.error(ErrorKind::invalid_parameter, "upgrade"); }
    if (!has_valid_parameters(*call)) { return replies.error(ErrorKind::invalid_parameter, "parameters"); }
    if (call->interface == service_interface) { return describe_service(*call, replies); }
    if (call->interface == control_interface) { return carry_out(session, *call, replies); }
    return replies.error(ErrorKind::interface_not_found, call->interface);
}

bool Server::describe_service(const Call& call, Replies& replies) noexcept {
    if (call.method == "GetInfo") { return replies.info(version_); }
    if (call.method != "GetInterfaceDescription") {
        return replies.error(ErrorKind::method_not_found, call.name);
    }
    const auto interface = read_parameter(call, Parameter::interface);
    if (!interface) { return refuse(Parameter::interface, replies); }
    if (*interface == service_interface) { return replies.description(service_description); }
    if (*interface == control_interface) { return replies.description(control_description); }
    return replies.error(ErrorKind::interface_not_found, *interface);
}

bool Server::carry_out(Session& session, const Call& call, Replies& replies) noexcept {
    const Entry* const entry = find_entry(call.method);
    if (entry == nullptr) { return replies.error(ErrorKind::method_not_found, call.name); }
    if (!session.is_trusted) {
        log_.debug("control: ", entry->name, " denied to process ", session.peer.process, " of user ",
                   session.peer.user);
        return replies.error(ErrorKind::permission_denied, "");
    }
    std::string_view word;
    if (entry->parameter != Parameter::none) {
        const auto read = read_parameter(call, entry->parameter);
        if (!read) { return refuse(entry->parameter, replies); }
        word = *read;
    }
    if (entry->changes_something) {
        log_.notice("control: ", entry->name, word.empty() ? "" : " ", word, " asked by process ",
                    session.peer.process, " of user ", session.peer.user);
    }
    switch (entry->method) {
    case Method::status:
        return replies.status(commands_);
    case Method::start:
        return reply(commands_.start(word), word, replies);
    case Method::stop:
        return reply(commands_.stop(word), word, replies);
    case Method::restart:
        return reply(commands_.restart(word), word, replies);
    case Method::reload:
        return reload(commands_, replies);
    case Method::power_off:
        return reply(commands_.end(Ending::power_off), "", replies);
    case Method::reboot:
        return reply(commands_.end(Ending::reboot), "", replies);
    case Method::halt:
        return reply(commands_.end(Ending::halt), "", replies);
    case Method::set_log_level:
        return set_log_level(word, commands_, replies);
    case Method::watch:
        if (call.oneway) { return true; }
        return call.more ? watch(session, replies) : replies.error(ErrorKind::expected_more, "");
    }
    return false;
}

bool Server::watch(Session& session, Replies& replies) noexcept {
    for (std::size_t index = 0; index < commands_.unit_count(); ++index) {
        if (!replies.event(commands_.unit(index))) { return false; }
    }
    session.is_watching = true;
    return true;
}

} // namespace vb::control
