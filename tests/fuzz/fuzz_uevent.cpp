// Any bytes as a datagram of the kernel's. What is taken for an event is consistent, and its views stay within it.
#include "device/alias.h"
#include "device/uevent.h"

#include <cstdint>
#include <cstdlib>
#include <functional>

namespace {

void expect_within(std::string_view part, std::string_view whole) {
    const std::less_equal<const char*> at_most;
    if (part.empty()) { return; }
    if (!at_most(whole.data(), part.data()) ||
        !at_most(part.data() + part.size(), whole.data() + whole.size())) {
        std::abort();
    }
}

} // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto event = vb::device::parse_uevent(text);
    if (!event) { return 0; }
    for (const std::string_view view :
         {event->device_path, event->subsystem, event->device_name, event->major, event->minor, event->mode,
          event->aliases[0], event->aliases[1]}) {
        expect_within(view, text);
        if (view.find('\0') != std::string_view::npos) { std::abort(); }
    }
    if (!event->device_path.starts_with('/') || event->subsystem.empty()) { std::abort(); }
    for (const std::string_view alias : event->aliases) {
        if (!alias.empty() && !vb::device::is_alias(alias)) { std::abort(); }
    }
    return 0;
}
