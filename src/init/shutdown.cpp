#include "init/shutdown.h"

#include <csignal>

namespace vb::init {

void Shutdown::enter(Phase phase, base::Nanoseconds patience) noexcept {
    phase_ = phase;
    deadline_ = kernel_.now() + patience;
}

void Shutdown::begin(pid_t main_child) noexcept {
    if (is_under_way()) { return; }
    if (main_child == 0) {
        end_services();
        return;
    }
    awaited_ = main_child;
    enter(Phase::main_child, options_.grace);
    (void)kernel_.kill(main_child, SIGTERM);
    (void)kernel_.kill(main_child, SIGCONT); // a stopped process does not see the SIGTERM
}

void Shutdown::hurry() noexcept {
    services_.hurry();
    // Nobody is polite to a disk: to stop waiting for it would lose what it has not written.
    if (deadline_ && phase_ != Phase::sync && phase_ != Phase::journal) { deadline_ = kernel_.now(); }
}

void Shutdown::complete() noexcept {
    phase_ = Phase::done;
    deadline_.reset();
}

void Shutdown::end_services() noexcept {
    awaited_ = 0;
    phase_ = Phase::services; // each of them has a deadline of its own
    deadline_.reset();
    services_.stop_all();
    if (services_.all_stopped()) { end_everyone(); }
}

void Shutdown::end_everyone() noexcept {
    journal_.stop(); // its writer counts among everybody, and takes no SIGTERM
    enter(Phase::everyone, options_.grace);
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
        sync_disks();
        return;
    }
    awaited_ = *writer;
    enter(Phase::journal, patience_for_journal);
}

void Shutdown::sync_disks() noexcept {
    if (!options_.syncs) {
        complete();
        return;
    }
    const auto child = kernel_.spawn_chore(sys::Chore::sync, "");
    if (!child) {
        log_.error("disks are not synced: ", base::describe(child.error()));
        complete();
        return;
    }
    awaited_ = *child;
    enter(Phase::sync, patience_for_sync);
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
        if (process == awaited_) { sync_disks(); }
        return;
    case Phase::sync:
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
        sync_disks();
        return;
    case Phase::sync:
        log_.error("the disks did not sync in time");
        complete();
        return;
    case Phase::services:
    case Phase::idle:
    case Phase::done:
        return;
    }
}

} // namespace vb::init
