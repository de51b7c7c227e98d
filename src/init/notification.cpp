#include "init/notification.h"

#include "base/text.h"

#include <cstdint>

namespace vb::init {

namespace {

// Above this, a time would overflow in nanoseconds: a century.
constexpr std::uint64_t most_microseconds = std::uint64_t{100} * 366 * 24 * 3600 * 1'000'000;

std::optional<base::Nanoseconds> parse_microseconds(std::string_view text) noexcept {
    std::uint64_t number = 0;
    if (!base::parse_number(text, number) || number > most_microseconds) { return std::nullopt; }
    return std::chrono::microseconds(number);
}

void take_variable(std::string_view name, std::string_view value, Notification& notification) noexcept {
    if (name == "STATUS") {
        notification.status = value;
    } else if (name == "READY") {
        notification.ready = notification.ready || value == "1";
    } else if (name == "RELOADING") {
        notification.reloading = notification.reloading || value == "1";
    } else if (name == "STOPPING") {
        notification.stopping = notification.stopping || value == "1";
    } else if (name == "WATCHDOG") {
        notification.alive = notification.alive || value == "1";
        notification.stuck = notification.stuck || value == "trigger";
    } else if (name == "WATCHDOG_USEC") {
        if (const auto time = parse_microseconds(value)) { notification.watchdog_interval = time; }
    } else if (name == "EXTEND_TIMEOUT_USEC") {
        if (const auto time = parse_microseconds(value)) { notification.more_time = time; }
    } else if (name == "MAINPID") {
        pid_t process = 0;
        if (base::parse_number(value, process) && process > 0) { notification.main_process = process; }
    } else if (name == "X_VECTOR_BOOT_LANDLOCK") {
        std::uint32_t version = 0;
        if (base::parse_number(value, version)) { notification.landlock_abi = version; }
    } else if (name == "ERRNO") {
        int number = 0;
        if (base::parse_number(value, number) && number > 0) { notification.error_number = number; }
    }
}

} // namespace

Notification parse_notification(std::string_view datagram) noexcept {
    Notification notification;
    while (!datagram.empty()) {
        const std::string_view line = base::take_until(datagram, '\n');
        const std::size_t equals = line.find('=');
        if (equals != std::string_view::npos) {
            take_variable(line.substr(0, equals), line.substr(equals + 1), notification);
        }
    }
    return notification;
}

} // namespace vb::init
