#include "init/supervisor.h"

#include <algorithm>
#include <cerrno>
#include <sys/wait.h>

namespace vb::init {

int exit_status(int wait_status) noexcept {
    return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

Verdict Supervisor::died(int wait_status, base::Nanoseconds now) noexcept {
    process_ = 0;
    const int status = exit_status(wait_status);
    if (options_.ends_with_child) { return {.action = Verdict::Action::end, .status = status}; }
    return failed(status, now);
}

Verdict Supervisor::not_started(int error_number, base::Nanoseconds now) noexcept {
    process_ = 0;
    if (error_number == EAGAIN || error_number == ENOMEM) {
        return {.action = Verdict::Action::restart, .delay = delay_after(++shortages_)};
    }
    return failed(0, now);
}

// The first restart is at once, since clients are waiting in the backlog; then 100 ms, doubled each time.
base::Nanoseconds Supervisor::delay_after(std::uint32_t failures) noexcept {
    if (failures <= 1) { return {}; }
    const base::Nanoseconds delay = first_delay * (1U << std::min(failures - 2, 16U));
    return std::min<base::Nanoseconds>(delay, longest_delay);
}

Verdict Supervisor::failed(int status, base::Nanoseconds now) noexcept {
    const bool was_ready = is_ready();
    const bool was_stable = was_ready && now - ready_since_ >= stable_after;
    failures_ = was_stable ? 1 : failures_ + 1;
    failures_before_ready_ = was_ready ? 0 : failures_before_ready_ + 1;
    ready_since_ = {};

    if (!options_.is_machine) {
        const bool refused = !was_ready && status == cannot_initialise;
        if (refused || failures_before_ready_ >= options_.limit) {
            return {.action = Verdict::Action::end, .status = cannot_initialise};
        }
    }
    if (options_.gives_up && failures_ >= options_.limit) { return {.action = Verdict::Action::give_up}; }
    return {.action = Verdict::Action::restart, .delay = delay_after(failures_)};
}

} // namespace vb::init
