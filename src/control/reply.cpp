#include "control/reply.h"

#include "control/call.h"
#include "control/valid_text.h"
#include "control/wire.h"

#include <array>
#include <chrono>
#include <glaze/json/write.hpp>

// Named, since glaze's reflection needs types with linkage.
namespace vb::control::wire {

struct Empty {};

struct Info {
    std::string_view vendor = "vector_boot";
    std::string_view product = "vector_boot";
    std::string_view version;
    std::string_view url; // there is none
    std::array<std::string_view, 2> interfaces = {service_interface, control_interface};
};

struct Description {
    std::string_view description;
};

template <class Parameters>
struct Reply {
    Parameters parameters;
    std::optional<bool> continues{};
};

struct ErrorReply {
    std::string_view error;
    ErrorParameters<std::string_view> parameters;
};

// Written element by element, so that a long list needs no memory besides the output.
struct UnitList {
    Commands* commands;
};
struct NameList {
    const UnitNames* names;
};

// The texts of a unit, made valid, and the views of them.
struct ValidUnit {
    explicit ValidUnit(const control::Unit& unit) noexcept
        : name(valid_text<63>(unit.name)), status(valid_text<255>(unit.status)),
          last_exit(valid_text<127>(unit.last_exit)) {
        view.name = name;
        view.kind = unit.kind;
        view.state = unit.state;
        if (unit.process) { view.pid = *unit.process; }
        view.restarts = unit.restarts;
        view.since_ms = std::chrono::floor<std::chrono::milliseconds>(unit.since).count();
        if (!status.empty()) { view.status = status.view(); }
        if (!last_exit.empty()) { view.last_exit = last_exit.view(); }
        if (unit.confinement) {
            view.confinement = {
                .user = unit.confinement->user,
                .capabilities = static_cast<std::int64_t>(unit.confinement->capabilities),
                .no_new_privileges = unit.confinement->no_new_privileges,
                .seccomp = unit.confinement->seccomp,
                .landlock_abi = unit.confinement->landlock_abi,
            };
        }
        if (unit.memory) { view.memory_bytes = static_cast<std::int64_t>(*unit.memory); }
    }
    ValidUnit(const ValidUnit&) = delete;
    ValidUnit& operator=(const ValidUnit&) = delete;

    base::Text<63> name;
    base::Text<255> status;
    base::Text<127> last_exit;
    Unit<std::string_view> view;
};

} // namespace vb::control::wire

template <>
struct glz::to<glz::JSON, vb::control::wire::UnitList> {
    template <auto Options>
    static void op(auto&& list, auto&& context, auto&& buffer, auto&& position) noexcept {
        const std::size_t count = list.commands->unit_count();
        if (!ensure_space(context, buffer, position + write_padding_bytes)) { return; }
        dump<false>('[', buffer, position);
        for (std::size_t index = 0; index < count; ++index) {
            if (!ensure_space(context, buffer, position + write_padding_bytes)) { return; }
            if (index > 0) { dump<false>(',', buffer, position); }
            const vb::control::wire::ValidUnit unit(list.commands->unit(index));
            serialize<JSON>::op<Options>(unit.view, context, buffer, position);
            if (bool(context.error)) { return; }
        }
        if (!ensure_space(context, buffer, position + write_padding_bytes)) { return; }
        dump<false>(']', buffer, position);
    }
};

template <>
struct glz::to<glz::JSON, vb::control::wire::NameList> {
    template <auto Options>
    static void op(auto&& list, auto&& context, auto&& buffer, auto&& position) noexcept {
        if (!ensure_space(context, buffer, position + write_padding_bytes)) { return; }
        dump<false>('[', buffer, position);
        bool first = true;
        list.names->for_each([&](std::string_view name) {
            if (bool(context.error) || !ensure_space(context, buffer, position + write_padding_bytes)) {
                return;
            }
            if (!first) { dump<false>(',', buffer, position); }
            first = false;
            const auto valid = vb::control::valid_text<63>(name);
            serialize<JSON>::op<Options>(valid.view(), context, buffer, position);
        });
        if (bool(context.error) || !ensure_space(context, buffer, position + write_padding_bytes)) { return; }
        dump<false>(']', buffer, position);
    }
};

namespace vb::control {

namespace {

std::string_view name_of(ErrorKind kind) noexcept {
    switch (kind) {
    case ErrorKind::interface_not_found:
        return "org.varlink.service.InterfaceNotFound";
    case ErrorKind::method_not_found:
        return "org.varlink.service.MethodNotFound";
    case ErrorKind::invalid_parameter:
        return "org.varlink.service.InvalidParameter";
    case ErrorKind::permission_denied:
        return "org.varlink.service.PermissionDenied";
    case ErrorKind::expected_more:
        return "org.varlink.service.ExpectedMore";
    case ErrorKind::no_such_unit:
        return "io.vectorboot.Control.NoSuchUnit";
    case ErrorKind::failed:
        break;
    }
    return "io.vectorboot.Control.Failed";
}

std::int64_t milliseconds(base::Nanoseconds time) noexcept {
    return std::chrono::floor<std::chrono::milliseconds>(time).count();
}

} // namespace

template <class Message>
bool Replies::append(const Message& message) noexcept {
    if (silent_) { return true; }
    while (true) {
        std::span<char> room = output_.room();
        const auto written = glz::write<glz::opts_size{}>(message, room);
        if (!written && written.count < room.size()) {
            room[written.count] = '\0'; // ends every message of Varlink
            output_.commit(written.count + 1);
            return true;
        }
        if (!output_.grow()) { return false; }
    }
}

bool Replies::nothing() noexcept { return append(wire::Reply<wire::Empty>{}); }

bool Replies::error(ErrorKind kind, std::string_view subject) noexcept {
    const auto valid = valid_text<511>(subject);
    wire::ErrorReply reply{.error = name_of(kind), .parameters = {}};
    switch (kind) {
    case ErrorKind::interface_not_found:
        reply.parameters.interface = valid.view();
        break;
    case ErrorKind::method_not_found:
        reply.parameters.method = valid.view();
        break;
    case ErrorKind::invalid_parameter:
        reply.parameters.parameter = valid.view();
        break;
    case ErrorKind::no_such_unit:
        reply.parameters.unit = valid.view();
        break;
    case ErrorKind::failed:
        reply.parameters.text = valid.view();
        break;
    case ErrorKind::permission_denied:
    case ErrorKind::expected_more:
        break;
    }
    return append(reply);
}

bool Replies::info(std::string_view version) noexcept {
    return append(wire::Reply<wire::Info>{.parameters = {.version = version, .url = {}}});
}

bool Replies::description(std::string_view text) noexcept {
    return append(wire::Reply<wire::Description>{.parameters = {.description = text}});
}

bool Replies::status(Commands& commands) noexcept {
    const Overview overview = commands.overview();
    wire::Reply<wire::Status<std::string_view, wire::UnitList>> reply{};
    reply.parameters.version = overview.version;
    reply.parameters.place = overview.place;
    reply.parameters.state = overview.state;
    reply.parameters.uptime_ms = milliseconds(overview.uptime);
    if (overview.boot_time) { reply.parameters.boot_ms = milliseconds(*overview.boot_time); }
    reply.parameters.units.commands = &commands;
    return append(reply);
}

bool Replies::changes(const UnitNames& names) noexcept {
    return append(wire::Reply<wire::Changes<wire::NameList>>{.parameters = {.changed = {&names}}});
}

bool Replies::event(const Unit& unit) noexcept {
    const wire::ValidUnit valid(unit);
    return append(wire::Reply<wire::Event<std::string_view>>{.parameters = {valid.view}, .continues = true});
}

} // namespace vb::control
