#include "hardware/uevents.h"

#include "device/uevent.h"
#include "sys/uevent_socket.h"

namespace vb::hardware {

namespace {

constexpr std::size_t most_at_once = 128;

} // namespace

base::Result<Uevents> Uevents::open() {
    auto socket = sys::open_uevents();
    if (!socket) { return std::unexpected(socket.error()); }
    return Uevents(*std::move(socket));
}

std::vector<Uevent> Uevents::take() {
    std::vector<Uevent> events;
    char buffer[sys::largest_uevent];
    for (std::size_t count = 0; count < most_at_once; ++count) {
        const auto datagram = sys::receive_uevent(socket_.get(), buffer);
        if (!datagram) { break; }
        if (datagram->lost) {
            events.push_back({.action = "lost", .path = {}, .subsystem = {}, .name = {}});
        } else if (const auto event = device::parse_uevent(datagram->text)) {
            events.push_back({.action = std::string(device::name_of(event->action)),
                              .path = std::string(event->device_path),
                              .subsystem = std::string(event->subsystem),
                              .name = std::string(event->device_name)});
        }
    }
    return events;
}

} // namespace vb::hardware
