#include "sys/native_kernel.h"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <linux/watchdog.h>
#include <sys/ioctl.h>

namespace vb::sys {

using base::system_error;

namespace {

// The devices count whole seconds.
constexpr base::Nanoseconds from_seconds(int seconds) noexcept { return std::chrono::seconds(seconds); }

} // namespace

Result<WatchdogDevice> NativeKernel::open_watchdog(const char* path) noexcept {
    WatchdogDevice device;
    device.fd.reset(::open(path, O_WRONLY | O_CLOEXEC));
    if (!device.fd) { return system_error("open", path); }
    watchdog_info information{};
    if (::ioctl(device.fd.get(), WDIOC_GETSUPPORT, &information) == 0) {
        const char* const identity = reinterpret_cast<const char*>(information.identity);
        device.identity << std::string_view(identity, ::strnlen(identity, sizeof information.identity));
    }
    int seconds = 0;
    if (::ioctl(device.fd.get(), WDIOC_GETTIMEOUT, &seconds) == 0 && seconds > 0) {
        device.timeout = from_seconds(seconds);
    }
    return device;
}

Result<base::Nanoseconds> NativeKernel::set_watchdog_timeout(int watchdog,
                                                             base::Nanoseconds timeout) noexcept {
    using Seconds = std::chrono::duration<int>;
    int seconds = std::max(1, std::chrono::ceil<Seconds>(timeout).count());
    if (::ioctl(watchdog, WDIOC_SETTIMEOUT, &seconds) != 0) {
        return system_error("set the timeout of", "the watchdog");
    }
    return from_seconds(seconds);
}

Result<> NativeKernel::feed_watchdog(int watchdog) noexcept {
    int unused = 0;
    if (::ioctl(watchdog, WDIOC_KEEPALIVE, &unused) == 0) { return {}; }
    // Some drivers know only the older way.
    if (::write(watchdog, "", 1) == 1) { return {}; }
    return system_error("feed", "the watchdog");
}

Result<> NativeKernel::stop_watchdog(int watchdog) noexcept {
    int options = WDIOS_DISABLECARD;
    const bool stopped = ::ioctl(watchdog, WDIOC_SETOPTIONS, &options) == 0;
    if (!stopped && errno == EBUSY) { return system_error("stop", "the watchdog"); }
    // The letter says that the close to come is meant.
    if (::write(watchdog, "V", 1) != 1) { return system_error("stop", "the watchdog"); }
    return {};
}

} // namespace vb::sys
