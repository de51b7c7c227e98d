// What the kernel says when a device comes or goes: one datagram "add@/devices/..." and NAME=value, each with a NUL
// after it. Views into the datagram, nothing is copied. Whatever is not exactly so is refused as a whole.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace vb::device {

struct Uevent {
    enum class Action : unsigned char { add, remove, change, move, online, offline, bind, unbind };

    Action action{};
    std::string_view device_path; // below /sys
    std::string_view subsystem;
    std::string_view device_name;        // below /dev; empty: it has no node
    std::string_view major, minor, mode; // of the node; the last in octal, and only where it is not 0600
    // What its driver is found by. ACPI devices may have a second one, which is that of the device tree.
    std::string_view aliases[2];
    std::uint64_t sequence = 0;
};

// "add", as the kernel has it.
std::string_view name_of(Uevent::Action action) noexcept;

std::optional<Uevent> parse_uevent(std::string_view datagram) noexcept;

} // namespace vb::device
