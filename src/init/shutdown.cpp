#include "init/shutdown.h"

#include <csignal>

namespace vb::init {

void Shutdown::enter(Phase phase, base::Nanoseconds patience) noexcept {
    phase_ = phase;
    deadline_ = kernel_.now() + patience;
}

void Shutdown::begin(pid_t main_child, base::Nanoseconds patience) noexcept {
    if (is_under_way()) { return; }
    if (main_child == 0) {
        end_services();
        return;
    }
    awaited_ = main_child;
    enter(Phase::main_child, patience);
    (void)kernel_.kill(main_child, SIGTERM);
    (void)kernel_.kill(main_child, SIGCONT); // a stopped process does not see the SIGTERM
}

void Shutdown::hurry() noexcept {
    services_.hurry();
    // Nobody is polite to a disk: to stop waiting for it would lose what it has not written.
    if (!deadline_ || phase_ == Phase::journal) { return; }
    deadline_ = kernel_.now();
    if (phase_ == Phase::services) { *deadline_ += patience_after_kill; } // they are being killed
}

void Shutdown::complete() noexcept {
    phase_ = Phase::done;
    deadline_.reset();
}

void Shutdown::end_services() noexcept {
    awaited_ = 0;
    // Each of them has a deadline of its own, after which it is killed; one that cannot be killed has the whole of
    // them wait, and is left behind.
    base::Nanoseconds patience = patience_after_kill;
    for (const auto& service : services_.all()) {
        patience += std::chrono::milliseconds(service->configured().stop_timeout) + patience_after_kill;
    }
    enter(Phase::services, patience);
    services_.stop_all();
    if (services_.all_stopped()) { end_everyone(); }
}

void Shutdown::end_everyone() noexcept {
    journal_.stop(); // its writer counts among everybody, and takes no SIGTERM
    enter(Phase::everyone, grace_);
    kernel_.kill_all(SIGTERM);
    kernel_.kill_all(SIGCONT);
}

void Shutdown::kill_everyone() noexcept {
    enter(Phase::everyone_killed, patience_after_kill);
    kernel_.kill_all(SIGKILL);
}

void Shutdown::finish_journal() noexcept {
    const auto writer = journal_.start_last_writer();
    if (!writer) {
        complete();
        return;
    }
    awaited_ = *writer;
    enter(Phase::journal, patience_for_journal);
}

void Shutdown::reaped(pid_t process) noexcept {
    switch (phase_) {
    case Phase::main_child:
    case Phase::main_child_killed:
        if (process == awaited_) { end_services(); }
        return;
    case Phase::services:
        if (services_.all_stopped()) { end_everyone(); }
        return;
    case Phase::everyone:
        // Outside PID 1 the children of the dead have just become ours, and have not been told yet.
        if (kernel_.process_id() != 1) { kernel_.kill_all(SIGTERM); }
        return;
    case Phase::everyone_killed:
        if (kernel_.process_id() != 1) { kernel_.kill_all(SIGKILL); }
        return;
    case Phase::journal:
        if (process == awaited_) { complete(); }
        return;
    case Phase::idle:
    case Phase::done:
        return;
    }
}

void Shutdown::no_children_left() noexcept {
    if (phase_ == Phase::everyone || phase_ == Phase::everyone_killed) { finish_journal(); }
}

void Shutdown::check_deadline(base::Nanoseconds now) noexcept {
    if (!deadline_ || now < *deadline_) { return; }
    switch (phase_) {
    case Phase::main_child:
        log_.warning("the main child did not end in time and is killed");
        (void)kernel_.kill(awaited_, SIGKILL);
        enter(Phase::main_child_killed, patience_after_kill);
        return;
    case Phase::main_child_killed:
        end_services();
        return;
    case Phase::everyone:
        kill_everyone();
        return;
    case Phase::everyone_killed:
        log_.warning("processes are left that cannot be killed");
        finish_journal();
        return;
    case Phase::journal:
        log_.error("the end of the journal is not on the disk");
        complete();
        return;
    case Phase::services:
        log_.warning("services are left that cannot be killed");
        end_everyone();
        return;
    case Phase::idle:
    case Phase::done:
        return;
    }
}

} // namespace vb::init
