#include "control/client.h"

#include "base/error.h"
#include "control/call.h"
#include "control/wire.h"

#include <cstring>
#include <glaze/json/read.hpp>
#include <glaze/json/write.hpp>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

namespace vb::control::wire {

struct ReplyFields {
    std::optional<std::string> error;
    glz::raw_json parameters;
    bool continues = false;
};

struct RequestFields {
    std::string method;
    glz::raw_json_view parameters;
    std::optional<bool> more;
};

} // namespace vb::control::wire

namespace vb::control {

namespace {

using WireUnit = wire::Unit<std::string>;
using WireStatus = wire::Status<std::string, std::vector<WireUnit>>;

constexpr glz::opts tolerant{.error_on_unknown_keys = false};

std::unexpected<ClientError> trouble(Trouble kind, std::string text) {
    return std::unexpected(ClientError{.trouble = kind, .text = std::move(text)});
}

std::unexpected<ClientError> failed_call(const char* operation, std::string_view object) {
    const int number = errno;
    const auto text =
        base::describe({.operation = operation, .object = object, .number = number, .detail = {}});
    Trouble kind = Trouble::broken;
    if (number == ENOENT || number == ECONNREFUSED) { kind = Trouble::unreachable; }
    if (number == EACCES || number == EPERM) { kind = Trouble::not_permitted; }
    return trouble(kind, std::string(text.view()));
}

std::unexpected<ClientError> not_understood() {
    return trouble(Trouble::broken, "the answer is not what io.vectorboot.Control gives");
}

std::unexpected<ClientError> explain(const std::string& error, const std::string& parameters) {
    wire::ErrorParameters<std::string> said;
    if (glz::read<tolerant>(said, parameters)) { said = {}; }
    if (error == "org.varlink.service.PermissionDenied") {
        return trouble(Trouble::not_permitted,
                       "only root, the user that vector_boot runs as, and its control group may do this");
    }
    if (error == "io.vectorboot.Control.NoSuchUnit") {
        return trouble(Trouble::no_such_unit, "there is no unit " + said.unit.value_or("of that name"));
    }
    if (error == "io.vectorboot.Control.Failed") {
        return trouble(Trouble::refused, said.text.value_or("it failed"));
    }
    if (error == "org.varlink.service.InvalidParameter") {
        return trouble(Trouble::refused, "this " + said.parameter.value_or("parameter") + " is not valid");
    }
    return trouble(Trouble::refused, error);
}

Unit unit_of(const WireUnit& read) {
    Unit unit;
    unit.name = std::string_view(read.name);
    unit.kind = read.kind;
    unit.state = read.state;
    if (read.pid) { unit.process = static_cast<pid_t>(*read.pid); }
    unit.restarts = static_cast<std::uint32_t>(read.restarts);
    unit.since = std::chrono::milliseconds(read.since_ms);
    if (read.status) { unit.status = std::string_view(*read.status); }
    if (read.last_exit) { unit.last_exit = std::string_view(*read.last_exit); }
    if (read.memory_bytes) { unit.memory = static_cast<std::uint64_t>(*read.memory_bytes); }
    if (read.confinement) {
        unit.confinement = {.user = static_cast<uid_t>(read.confinement->user),
                            .capabilities = static_cast<std::uint64_t>(read.confinement->capabilities),
                            .no_new_privileges = read.confinement->no_new_privileges,
                            .seccomp = read.confinement->seccomp,
                            .landlock_abi = read.confinement->landlock_abi};
    }
    return unit;
}

void set_timeout(int socket, int option, std::chrono::seconds time) {
    const timeval value{.tv_sec = time.count(), .tv_usec = 0};
    (void)::setsockopt(socket, SOL_SOCKET, option, &value, sizeof value); // cannot fail on a socket
}

} // namespace

ClientResult<Client> Client::connect(const std::string& path) {
    constexpr std::chrono::seconds patience(10);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return failed_call("connect to", path);
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    base::UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) { return failed_call("socket for", path); }
    set_timeout(socket.get(), SO_SNDTIMEO, patience); // holds for connect(2) as well
    set_timeout(socket.get(), SO_RCVTIMEO, patience);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return failed_call("connect to", path);
    }
    return Client(std::move(socket));
}

ClientResult<Report> Client::status() {
    auto reply = call("Status");
    if (!reply) { return std::unexpected(reply.error()); }
    WireStatus read;
    if (glz::read<tolerant>(read, reply->parameters)) { return not_understood(); }
    Report report;
    report.overview.version = std::string_view(read.version);
    report.overview.place = read.place;
    report.overview.state = read.state;
    report.overview.uptime = std::chrono::milliseconds(read.uptime_ms);
    if (read.boot_ms) { report.overview.boot_time = std::chrono::milliseconds(*read.boot_ms); }
    for (const WireUnit& unit : read.units) {
        report.units.push_back(unit_of(unit));
    }
    report.json = std::move(reply->parameters);
    return report;
}

ClientResult<std::vector<std::string>> Client::reload() {
    const auto reply = call("Reload");
    if (!reply) { return std::unexpected(reply.error()); }
    wire::Changes<std::vector<std::string>> changes;
    if (glz::read<tolerant>(changes, reply->parameters)) { return not_understood(); }
    return changes.changed;
}

ClientResult<void> Client::end(Ending ending) {
    const auto reply = call(ending == Ending::power_off ? "PowerOff"
                            : ending == Ending::reboot  ? "Reboot"
                                                        : "Halt");
    if (!reply) { return std::unexpected(reply.error()); }
    return {};
}

ClientResult<void> Client::watch(const std::function<bool(const Unit&, std::string_view)>& visit) {
    if (auto sent = send("Watch", "{}", true); !sent) { return sent; }
    set_timeout(socket_.get(), SO_RCVTIMEO, std::chrono::seconds(0)); // for as long as it takes
    while (true) {
        const auto reply = receive();
        if (!reply) { return std::unexpected(reply.error()); }
        wire::Event<std::string> event;
        if (glz::read<tolerant>(event, reply->parameters)) { return not_understood(); }
        if (!visit(unit_of(event.unit), reply->parameters)) { return {}; }
    }
}

ClientResult<Client::Reply> Client::call(std::string_view method, std::string_view parameters) {
    if (auto sent = send(method, parameters, false); !sent) { return std::unexpected(sent.error()); }
    return receive();
}

ClientResult<void> Client::call_with(std::string_view method, std::string_view name, std::string_view value) {
    std::string quoted;
    if (glz::write_json(value, quoted)) { return trouble(Trouble::refused, "the name is not text"); }
    std::string parameters = "{\"";
    parameters.append(name).append("\":").append(quoted).append("}");
    const auto reply = call(method, parameters);
    if (!reply) { return std::unexpected(reply.error()); }
    return {};
}

ClientResult<void> Client::send(std::string_view method, std::string_view parameters, bool more) {
    wire::RequestFields fields{
        .method = std::string(control_interface), .parameters = {parameters}, .more = {}};
    fields.method.append(".").append(method);
    if (more) { fields.more = true; }
    std::string message;
    if (glz::write_json(fields, message)) {
        return trouble(Trouble::broken, "the request cannot be written");
    }
    message.push_back('\0');
    for (std::size_t sent = 0; sent < message.size();) {
        const ssize_t count =
            ::send(socket_.get(), message.data() + sent, message.size() - sent, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) { continue; }
        if (count < 0) { return failed_call("send to", "vector_boot"); }
        sent += static_cast<std::size_t>(count);
    }
    return {};
}

ClientResult<Client::Reply> Client::receive() {
    const auto message = receive_message();
    if (!message) { return std::unexpected(message.error()); }
    wire::ReplyFields fields;
    if (glz::read<tolerant>(fields, *message)) { return not_understood(); }
    if (fields.parameters.str.empty()) { fields.parameters.str = "{}"; }
    if (fields.error) { return explain(*fields.error, fields.parameters.str); }
    return Reply{.parameters = std::move(fields.parameters.str), .continues = fields.continues};
}

ClientResult<std::string> Client::receive_message() {
    std::size_t end = 0;
    while ((end = received_.find('\0')) == std::string::npos) {
        char part[16384];
        const ssize_t count = ::recv(socket_.get(), part, sizeof part, 0);
        if (count < 0 && errno == EINTR) { continue; }
        if (count < 0 && errno == EAGAIN) {
            return trouble(Trouble::broken, "vector_boot did not answer within 10 s");
        }
        if (count < 0) { return failed_call("receive from", "vector_boot"); }
        if (count == 0) { return trouble(Trouble::broken, "vector_boot closed the connection"); }
        received_.append(part, static_cast<std::size_t>(count));
    }
    std::string message = received_.substr(0, end);
    received_.erase(0, end + 1);
    return message;
}

} // namespace vb::control
