// Init's reactions to signals and deaths, and its end.
#include "init/ending.h"
#include "init/init.h"

#include <algorithm>
#include <csignal>
#include <linux/reboot.h>

namespace vb::init {

void Init::handle_signal(const sys::Signal& signal) noexcept {
    if (setup_.place == Place::machine) {
        // SIGUSR1, SIGUSR2 and SIGTERM as in sysvinit and busybox, SIGRTMIN+3 to +5 as in systemd.
        if (signal.number == SIGINT) {
            handle_ctrl_alt_del();
        } else if (signal.number == SIGUSR1 || signal.number == SIGRTMIN + 3) {
            stop(Ending::halt);
        } else if (signal.number == SIGUSR2 || signal.number == SIGPWR || signal.number == SIGRTMIN + 4) {
            stop(Ending::poweroff);
        } else if (signal.number == SIGTERM || signal.number == SIGRTMIN + 5) {
            stop(Ending::reboot);
        } else if (signal.number == SIGHUP) {
            control::UnitNames changed;
            if (const auto done = reload(changed); !done) { log_.error(done.error().text); }
        }
        return;
    }
    if (signal.number == SIGPIPE && signal.sender == kernel_.process_id()) {
        return; // our own log has nobody who reads it; that is no reason to tell the command anything
    }
    if (runs_command()) {
        // The command decides what a signal means; when it ends, so do we.
        const pid_t command = supervisor_.process();
        if (command != 0) {
            (void)kernel_.forward(config_.handoff.signal_group ? -command : command, signal);
        }
        return;
    }
    for (const int ending : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPWR, SIGRTMIN + 3}) {
        if (signal.number == ending) { stop(Ending::exit); }
    }
}

void Init::handle_ctrl_alt_del() noexcept {
    switch (config_.machine.ctrl_alt_del) {
    case config::CtrlAltDel::reboot:
        stop(Ending::reboot);
        return;
    case config::CtrlAltDel::poweroff:
        stop(Ending::poweroff);
        return;
    case config::CtrlAltDel::ignore:
        return;
    }
}

void Init::handle_deaths() noexcept {
    // Somebody may wait for the dead to be gone, so the first one goes at once. The last look is taken after the
    // descriptor was read: who dies later makes it readable again.
    bool no_children = false;
    if (const auto death = kernel_.reap(no_children)) { handle_death(*death); }
    (void)kernel_.read_signal(signals_.deaths.get());
    reap_children();
}

void Init::reap_children() noexcept {
    // One SIGCHLD may stand for many deaths: signal(7).
    bool no_children = false;
    while (const auto death = kernel_.reap(no_children)) {
        handle_death(*death);
    }
    if (no_children) { shutdown_.no_children_left(); }
}

void Init::handle_death(const sys::Death& death) noexcept {
    const bool is_service = services_.died(death);
    shutdown_.reaped(death.process);
    if (is_service) { return; }
    if (hotplug_.reaped(death.process, death.status)) {
        if (hotplug_.is_settled()) { open_watchdog(); } // its driver may be what was loaded
        return;
    }
    if (journal_.reaped(death.process) || disks_.reaped(death.process, death.status)) { return; }
    if (death.process == mounting_) {
        mounting_ = 0;
        if (!shutdown_.is_under_way()) { boot(); }
        return;
    }
    if (death.process == supervisor_.process()) {
        const bool asked_to_end = shutdown_.is_under_way();
        heartbeat_.end();
        main_output_.finish();
        main_last_end_ = describe_end(death.status);
        services_.set_runtime_ready(false);
        log_.write(runs_command() ? base::Level::debug
                   : asked_to_end ? base::Level::info
                                  : base::Level::warning,
                   runs_command() ? "command " : "runtime ", describe_end(death.status));
        const Verdict verdict = supervisor_.died(death.status, kernel_.now());
        if (request_ != Request::none && !asked_to_end) {
            main_ended_as_asked();
        } else if (asked_to_end) {
            status_ = own_status(exit_status(death.status));
        } else {
            follow(verdict);
        }
    } else if (death.process == shell_) {
        shell_ = 0;
        supervisor_.forgive();
        // Not at once: on a console at its end the shell ends as soon as it has begun.
        if (shutdown_.is_under_way()) { return; }
        if (stage_ != Stage::running) {
            boot();
        } else {
            restart_at_ = kernel_.now() + std::chrono::seconds(1);
        }
    } else if (config_.handoff.report_reaping) {
        log_.warning("reaped process ", death.process, ", which ", describe_end(death.status));
    }
}

void Init::stop(Ending ending) noexcept {
    if (shutdown_.is_under_way()) {
        shutdown_.hurry();
        return;
    }
    log_.notice("ending in order", setup_.place != Place::machine ? ""
                                   : ending == Ending::reboot     ? ": reboot"
                                   : ending == Ending::halt       ? ": halt"
                                                                  : ": power off");
    ending_ = ending;
    restart_at_.reset();
    hotplug_.stop();
    shutdown_.begin(supervisor_.process(), patience_with_main());
}

int Init::own_status(int status) const noexcept {
    return runs_command() && std::ranges::contains(config_.handoff.success, status) ? 0 : status;
}

void Init::end(int status) noexcept {
    status_ = own_status(status);
    restart_at_.reset();
    shutdown_.begin(supervisor_.process(), patience_with_main());
}

int Init::finish() noexcept {
    http_.reset();
    control_.close();
    if (setup_.place == Place::machine) { leave_machine(); }
    return status_;
}

void Init::wait_for_disks() noexcept {
    // What could not be killed has no part in this: the hardware is fed until the disks' own deadline.
    heartbeat_.end();
    disks_.begin();
    while (!disks_.is_done()) {
        arm_timer();
        if (const auto fd = kernel_.wait(poll_.get())) { dispatch(*fd); }
    }
}

void Init::leave_machine() noexcept {
    wait_for_disks();
    watchdog_.prepare_reboot(); // if what follows hangs, the machine is reset
    if (disks_.are_left_to_us()) { (void)end_disks(kernel_, log_); }
    const unsigned int wanted = ending_ == Ending::reboot ? LINUX_REBOOT_CMD_RESTART
                                : ending_ == Ending::halt ? LINUX_REBOOT_CMD_HALT
                                                          : LINUX_REBOOT_CMD_POWER_OFF;
    if (ending_ != Ending::reboot) { watchdog_.disarm(); }
    for (const unsigned int command :
         {wanted, unsigned{LINUX_REBOOT_CMD_RESTART}, unsigned{LINUX_REBOOT_CMD_HALT}}) {
        const auto done = kernel_.reboot(command);
        if (done) { return; } // only a simulated kernel comes back
        log_.error(base::describe(done.error()));
    }
    // Returning from here would end PID 1 and panic the kernel: stay, reaping, until somebody pulls the plug.
    while (true) {
        if (const auto fd = kernel_.wait(poll_.get())) { dispatch(*fd); }
    }
}

} // namespace vb::init
