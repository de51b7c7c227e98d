#include "init/place.h"

#include "init/mounts.h"

#include <linux/reboot.h>

namespace vb::init {

namespace {

void warn(const base::Result<>& result, const base::Log& log) noexcept {
    if (!result) { log.warning(base::describe(result.error())); }
}

} // namespace

Place prepare_place(sys::Kernel& kernel, const base::Log& log) noexcept {
    if (kernel.process_id() != 1) {
        // Refused in some sandboxes; then orphans go to somebody else, and everything else still works.
        warn(kernel.become_subreaper(), log);
        return Place::process;
    }
    // From now on Ctrl-Alt-Del raises SIGINT here instead of resetting the machine at once. Only PID 1 of the
    // machine itself may say so: in another PID namespace it is EINVAL, without the capability EPERM.
    const bool is_machine = kernel.reboot(LINUX_REBOOT_CMD_CAD_OFF).has_value();
    warn(mount_proc(kernel), log);
    if (!is_machine) { return Place::container; }
    mount_early(kernel, log);
    kernel.fill_standard_descriptors(); // now that there is a /dev
    warn(kernel.open_console(), log);
    return Place::machine;
}

} // namespace vb::init
