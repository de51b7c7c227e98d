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
    warn(mount_proc(kernel), log);
    if (!kernel.in_initial_pid_namespace()) { return Place::container; }
    mount_early(kernel, log);
    warn(kernel.open_console(), log);
    // From now on the keys raise SIGINT here instead of resetting the machine at once.
    warn(kernel.reboot(LINUX_REBOOT_CMD_CAD_OFF), log);
    return Place::machine;
}

} // namespace vb::init
