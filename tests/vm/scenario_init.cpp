// PID 1 of a real kernel that does one thing, which the word scenario= of the kernel command line names, and says on
// the console how it went: faults, modules by hotplug, the watchdog. What it uses is what vector_boot is made of.
#include "device/hotplug.h"
#include "init/place.h"
#include "init/watchdog.h"
#include "sys/crash_handler.h"
#include "sys/native_kernel.h"

#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <linux/reboot.h>
#include <poll.h>

namespace {

using namespace vb;
using namespace std::chrono_literals;

sys::NativeKernel kernel; // NOLINT(bugprone-throwing-static-initialization)
base::Log out(STDERR_FILENO, "scenario", base::Level::debug);
volatile std::uintptr_t wild_address = 16;

int overflow_the_stack(int depth) { // NOLINT(misc-no-recursion)
    volatile char room[4096];
    room[0] = static_cast<char>(depth);
    return (depth < INT_MAX ? overflow_the_stack(depth + 1) : 0) + room[0];
}

void fault(std::string_view kind) {
    if (kind == "pointer") { *reinterpret_cast<volatile char*>(wild_address) = 1; } // NOLINT
    if (kind == "stack") { (void)overflow_the_stack(0); }
    if (kind == "sent") { ::kill(1, SIGSEGV); }
    if (kind == "abort") { std::abort(); }
}

void crash(std::string_view kind) {
    const sys::CrashAction action = kind == "sent" ? sys::CrashAction::freeze : sys::CrashAction::reboot;
    sys::set_crash_policy({.action = action, .delay = 1});
    if (kind == "sent") {
        // As root may do at any time. It comes back from here, which a fault of our own would not.
        if (::fork() == 0) {
            fault(kind);
            ::_exit(0);
        }
        ::poll(nullptr, 0, 300);
        out.notice("still here");
        return;
    }
    fault(kind);
}

void write_file(const char* path, std::string_view text) {
    const base::UniqueFd file(::open(path, O_WRONLY | O_CLOEXEC));
    if (::write(file.get(), text.data(), text.size()) < 0) { out.error(path, ": ", strerrordesc_np(errno)); }
}

bool exists(const char* path) { return ::access(path, F_OK) == 0; }

constexpr char module_releases[] = "/usr/lib/uml/modules"; // where Debian has those of User-Mode Linux

// PID 1's loop, as far as hotplug needs it, until nothing is left to be done.
void settle(device::Hotplug& hotplug, int signals) {
    for (int quiet = 0; quiet < 5;) {
        pollfd ready[] = {{.fd = hotplug.fd(), .events = POLLIN, .revents = 0},
                          {.fd = signals, .events = POLLIN, .revents = 0}};
        quiet = ::poll(ready, 2, 100) == 0 && hotplug.is_settled() ? quiet + 1 : 0;
        if (ready[0].revents != 0) { hotplug.receive(); }
        while (kernel.read_signal(signals)) {}
        bool none = false;
        while (const auto death = kernel.reap(none)) {
            hotplug.reaped(death->process, death->status);
        }
    }
}

void plug(int signals) {
    device::ModuleOptions options;
    options.releases = module_releases;
    device::Hotplug hotplug(kernel, out, options);
    if (!hotplug.open()) { out.error("no uevents"); }
    settle(hotplug, signals);
    const std::string_view bus[] = {"i2c-stub"}; // its parameter is on the kernel command line
    out.notice("bus: ", device::load(options, bus, out));
    settle(hotplug, signals);
    out.notice("before: ", exists("/sys/module/at24/initstate") ? "loaded" : "not loaded");
    write_file("/sys/bus/i2c/devices/i2c-0/new_device", "24c02 0x50"); // the device comes, with i2c:24c02
    settle(hotplug, signals);
    out.notice("after: ", exists("/sys/module/at24/initstate") ? "loaded" : "not loaded");
    out.notice("driver: ", exists("/sys/bus/i2c/devices/0-0050/driver") ? "bound" : "none");
}

void watch(std::string_view what) {
    device::ModuleOptions options;
    options.releases = module_releases;
    const std::string_view names[] = {"softdog"};
    out.notice("softdog: ", device::load(options, names, out));
    // User-Mode Linux has a device of its own at number 0, which needs a program on its host.
    init::Watchdog watchdog(kernel, out, {.device = "/dev/watchdog1", .timeout = 2s, .reboot_timeout = 3s});
    watchdog.open();
    const base::Nanoseconds end = kernel.now() + 5s;
    while (watchdog.deadline() && kernel.now() < end) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(*watchdog.deadline() - kernel.now());
        ::poll(nullptr, 0, static_cast<int>(std::max(left.count(), decltype(left.count()){0})));
        watchdog.check_deadline(kernel.now(), true);
    }
    out.notice("fed for 5 s");
    if (what == "reboot") { watchdog.prepare_reboot(); }
    if (what == "stop") { watchdog.disarm(); }
    ::poll(nullptr, 0, 6000); // hangs, as far as the watchdog knows
    out.notice("nothing bit");
}

} // namespace

int main() {
    kernel.fill_standard_descriptors();
    (void)sys::install_crash_handler();
    const auto signals = kernel.open_signals();
    (void)init::prepare_place(kernel, out);
    const char* const word = std::getenv("scenario"); // the kernel gives init what it does not know itself
    const std::string_view scenario = word == nullptr ? "" : word;
    const std::string_view kind = scenario.substr(scenario.find('-') + 1);
    out.notice("begin ", scenario);
    if (scenario.starts_with("crash-")) { crash(kind); }
    if (scenario == "plug") { plug(signals->deaths.get()); }
    if (scenario.starts_with("watchdog-")) { watch(kind); }
    out.notice("end ", scenario);
    (void)kernel.reboot(LINUX_REBOOT_CMD_POWER_OFF);
    ::pause();
}
