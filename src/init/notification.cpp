#include "init/notification.h"

namespace vb::init {

Notification parse_notification(std::string_view datagram) noexcept {
    constexpr std::string_view status = "STATUS=";
    Notification notification;
    while (!datagram.empty()) {
        const std::size_t end = datagram.find('\n');
        const std::string_view line = datagram.substr(0, end);
        if (line == "READY=1") {
            notification.ready = true;
        } else if (line.starts_with(status)) {
            notification.status = line.substr(status.size());
        }
        datagram.remove_prefix(end == std::string_view::npos ? datagram.size() : end + 1);
    }
    return notification;
}

} // namespace vb::init
