#include "init/network.h"

#include "sys/socket_address.h"

namespace vb::init {

base::Result<sys::Ipv4Interface> parse_ip_word(std::string_view word) noexcept {
    constexpr std::size_t client = 0, gateway = 2, netmask = 3, device = 5;
    std::string_view fields[7];
    std::string_view rest = word;
    for (std::string_view& field : fields) {
        field = base::take_until(rest, ':');
    }
    const auto refuse = [word](std::string_view expected) {
        return base::failure("read ip= of the kernel command line", word, expected);
    };
    const auto parse_address = [](std::string_view text, in_addr& address) {
        return sys::parse_ip_address(AF_INET, text, &address);
    };
    sys::Ipv4Interface interface;
    if (!parse_address(fields[client], interface.address)) {
        return refuse(
            "expected a static IPv4 address first, as in ip=10.0.2.15::10.0.2.2:255.255.255.0::eth0:off");
    }
    if (!fields[gateway].empty() && !parse_address(fields[gateway], interface.gateway)) {
        return refuse("expected the third field to be the gateway's IPv4 address");
    }
    if (!parse_address(fields[netmask].empty() ? "255.255.255.0" : fields[netmask], interface.netmask)) {
        return refuse("expected the fourth field to be a netmask");
    }
    interface.name = fields[device].empty() ? "eth0" : fields[device];
    if (interface.name.truncated()) { return refuse("expected the sixth field to be a device name"); }
    return interface;
}

void start_network(sys::Kernel& kernel, const base::Log& log, std::string_view ip_word) noexcept {
    const auto loopback = kernel.bring_up("lo");
    if (!loopback) { log.warning(base::describe(loopback.error())); }
    if (ip_word.empty()) { return; }
    const auto configured = parse_ip_word(ip_word).and_then(
        [&kernel](const sys::Ipv4Interface& interface) { return kernel.configure(interface); });
    if (!configured) { log.warning(base::describe(configured.error())); }
}

} // namespace vb::init
