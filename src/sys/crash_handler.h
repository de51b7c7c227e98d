// What happens when PID 1 itself faults. Dying is the one thing it must not do: the kernel would panic. A handler on
// a stack of its own says what happened, and then reboots, opens a shell or stays, reaping all the while; where there
// is no machine to lose, the process ends with 128 + the signal.
// After the fault nothing of the rest of the program is used any more, and only async-signal-safe calls are made.
// A fault in the handler comes back into it, shorter each time.
#pragma once

#include "base/error.h"

#include <string_view>

namespace vb::sys {

enum class CrashAction : unsigned char {
    exit,   // with 128 + the signal
    reboot, // after `delay`; processes are asked to end first
    shell,  // on the console; when it ends, reboot
    freeze, // whatever runs goes on
};

struct CrashPolicy {
    CrashAction action = CrashAction::exit;
    unsigned int delay = 10; // seconds
    // Is given the report, many lines of text, once it is in the kernel's log and on fd 2. It must be
    // async-signal-safe as well; if it faults, the action follows all the same.
    void (*hook)(std::string_view report) noexcept = nullptr;
    const char* kernel_log =
        "/dev/kmsg"; // opened beforehand; not for exit: a container's is that of its host
};

// For SEGV, BUS, FPE, ILL, ABRT, TRAP and SYS, and so for a failed operator new, a pure virtual call and
// std::terminate, which end in abort(). The handler serves this process alone: its children die of their own faults.
// As PID 1, signals of these numbers that somebody sends are reported and nothing else.
base::Result<> install_crash_handler() noexcept;

// Replaces the policy, which is exit at first. To be called once /dev is mounted.
void set_crash_policy(const CrashPolicy& policy) noexcept;

// Ends up there by itself: for what leaves PID 1 nothing to go on with. `reason` is a literal.
[[noreturn]] void crash(const char* reason) noexcept;

} // namespace vb::sys
