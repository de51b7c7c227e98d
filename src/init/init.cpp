#include "init/init.h"

#include "init/passed_socket.h"

#include <csignal>

namespace vb::init {

namespace {

constexpr std::string_view no_sign_of_life = " gives no sign of life";

Supervisor::Options supervision(const config::Config& config, Place place) noexcept {
    const bool is_machine = place == Place::machine;
    const bool is_command = config.handoff.mode == config::HandoffMode::exec;
    const bool is_ending_program = config.handoff.mode == config::HandoffMode::python &&
                                   config.failure.policy == config::FailurePolicy::exit;
    return {.ends_with_child = (is_command || is_ending_program) && !is_machine,
            .is_machine = is_machine,
            .gives_up = config.failure.policy != config::FailurePolicy::restart,
            .limit = config.failure.limit};
}

} // namespace

Init::Init(sys::Kernel& kernel, trace::Timeline& timeline, base::Log& log, config::Config config,
           const Setup& setup, sys::Kernel::Signals signals) noexcept
    : kernel_(kernel), timeline_(timeline), log_(log), config_(std::move(config)), setup_(setup),
      began_(kernel.now()), surroundings_{.kernel = kernel,
                                          .log = log,
                                          .poll = -1,
                                          .environment = setup.environment,
                                          .notify_socket = {},
                                          .has_cgroups = false,
                                          .observer = this},
      supervisor_(supervision(config_, setup.place)), services_(surroundings_),
      journal_(kernel, log, setup.ring, journal_directory()), main_output_(kernel, log, "runtime"),
      shutdown_(kernel, log, services_, journal_, std::chrono::milliseconds(config_.shutdown.timeout)),
      disks_(kernel, log),
      watchdog_(kernel, log,
                {.device = config_.watchdog.device.c_str(),
                 .timeout = std::chrono::milliseconds(config_.watchdog.timeout),
                 .reboot_timeout = std::chrono::milliseconds(config_.watchdog.reboot_timeout)}),
      heartbeat_(std::chrono::milliseconds(config_.watchdog.runtime)), hotplug_(kernel, log, module_options_),
      environment_(setup.environment, !runs_command()), control_(kernel, *this, log, setup.version),
      signals_(std::move(signals)), main_since_(began_) {}

base::Result<> Init::bind_sockets() noexcept {
    const trace::Span span(timeline_, "init: bind sockets");
    if (const auto fd = find_passed_socket(setup_.environment, kernel_.process_id())) {
        auto passed = kernel_.adopt_listening(*fd);
        if (!passed) { return std::unexpected(passed.error()); }
        http_ = std::move(*passed);
        return {};
    }
    const auto address = sys::parse_socket_address(config_.listen.http);
    if (!address) { return std::unexpected(address.error()); }
    auto http = kernel_.listen(*address);
    if (!http) { return std::unexpected(http.error()); }
    http_ = std::move(*http);
    return {};
}

base::Result<> Init::set_up() noexcept {
    // The sockets first: from here on no client is refused. A machine goes on without: start_child() tries again.
    const auto bound = runs_command() ? base::Result<>() : bind_sockets();
    if (!bound && setup_.place != Place::machine) { return bound; }
    if (!runs_command()) {
        // Only a head start: a model that cannot be read is the runtime's to report.
        (void)kernel_.spawn_read_ahead(config_.engine.model.c_str());
    }
    auto poll = kernel_.open_poll();
    if (!poll) { return std::unexpected(poll.error()); }
    poll_ = std::move(*poll);
    auto timer = kernel_.open_timer();
    if (!timer) { return std::unexpected(timer.error()); }
    timer_ = std::move(*timer);
    for (const int fd : {signals_.deaths.get(), signals_.others.get(), timer_.get()}) {
        if (auto watched = kernel_.watch(poll_.get(), fd); !watched) { return watched; }
    }
    if (!runs_command()) {
        if (auto opened = open_notifications(); !opened) { return opened; }
        environment_.set("NOTIFY_SOCKET", notify_name_);
    }
    prepare_child();
    return {};
}

base::Result<> Init::open_notifications() noexcept {
    auto notify = kernel_.open_notify_socket(notify_name_);
    if (!notify) { return std::unexpected(notify.error()); }
    notify_ = std::move(*notify);
    return kernel_.watch(poll_.get(), notify_.get());
}

const char* Init::journal_directory() const noexcept {
    if (config_.log.directory) { return config_.log.directory->c_str(); }
    return setup_.place == Place::machine ? journal::default_directory : "";
}

// For vbctl. Where /run cannot be written there is still GET /timeline.
void Init::publish() noexcept {
    if (setup_.place == Place::process) { return; } // the addresses are a machine's or a container's
    if (!kernel_.make_directory(config::run_directory, 0755)) { return; }
    open_control();
    journal_.publish();
    if (timeline_.layout() == nullptr) { return; }
    base::Text<63> target("/proc/1/fd/");
    target << timeline_.fd();
    (void)kernel_.make_link(target.c_str(), config::timeline_path);
}

void Init::follow(const Verdict& verdict) noexcept {
    switch (verdict.action) {
    case Verdict::Action::restart:
        if (verdict.delay > base::Nanoseconds{}) {
            log_.info("restarting in ",
                      std::chrono::duration_cast<std::chrono::milliseconds>(verdict.delay).count(), " ms");
        }
        restart_at_ = kernel_.now() + verdict.delay;
        ++restarts_;
        return;
    case Verdict::Action::end:
        end(verdict.status);
        return;
    case Verdict::Action::give_up:
        give_up();
        return;
    }
}

void Init::give_up() noexcept {
    log_.error(runs_command() ? "the command failed " : "the runtime failed ",
               supervisor_.failures_in_a_row(), " times in a row");
    if (setup_.place != Place::machine) {
        end(Supervisor::cannot_initialise);
        return;
    }
    switch (config_.failure.policy) {
    case config::FailurePolicy::shell:
        if (!start_shell()) { restart_at_ = kernel_.now() + Supervisor::longest_delay; }
        return;
    case config::FailurePolicy::reboot:
        stop(Ending::reboot);
        return;
    case config::FailurePolicy::exit: // a machine has nowhere to exit to
    case config::FailurePolicy::poweroff:
        stop(Ending::poweroff);
        return;
    case config::FailurePolicy::restart: // never gives up
        return;
    }
}

int Init::run() noexcept {
    if (setup_.place == Place::machine && !config_.watchdog.device.empty()) { watchdog_.open_if_there(); }
    boot();
    publish();
    if (runs_command()) { kernel_.drop_program_pages(); } // else when the runtime is ready
    while (!shutdown_.is_done()) {
        // The last child may have gone before the end began, and then no SIGCHLD will tell.
        if (shutdown_.is_under_way()) { reap_children(); }
        if (shutdown_.is_done()) { break; }
        publish_main();
        journal_.poke();
        arm_timer();
        if (const auto fd = kernel_.wait(poll_.get())) { dispatch(*fd); }
    }
    return finish();
}

void Init::arm_timer() noexcept {
    std::optional<base::Nanoseconds> next;
    for (const auto& deadline : {shutdown_.deadline(), restart_at_, services_.deadline(),
                                 watchdog_.deadline(), heartbeat_.deadline(), hotplug_.deadline(),
                                 control_.deadline(), journal_.deadline(), disks_.deadline(), kill_at_}) {
        next = base::earlier(next, deadline);
    }
    if (next == armed_) { return; }
    kernel_.set_timer(timer_.get(), next);
    armed_ = next;
}

void Init::dispatch(int fd) noexcept {
    if (fd == signals_.deaths.get()) {
        handle_deaths();
    } else if (fd == signals_.others.get()) {
        if (const auto signal = kernel_.read_signal(fd)) { handle_signal(*signal); }
    } else if (fd == notify_.get()) {
        handle_notification();
    } else if (fd == timer_.get()) {
        handle_deadlines();
    } else if (fd == hotplug_.fd()) {
        hotplug_.receive();
    } else if (!main_output_.readable(fd) && !services_.readable(fd)) {
        control_.handle(fd);
    }
}

void Init::handle_deadlines() noexcept {
    armed_.reset(); // it has fired; arming it again also clears it
    const base::Nanoseconds now = kernel_.now();
    shutdown_.check_deadline(now);
    services_.check_deadlines(now);
    hotplug_.check_deadline(now);
    control_.handle_deadline();
    journal_.check_deadline(now);
    disks_.check_deadline(now);
    if (kill_at_ && now >= *kill_at_) {
        kill_at_.reset();
        kill_main(base::Level::warning, " did not end in time");
    }
    if (heartbeat_.check_deadline(now)) { kill_main(base::Level::error, no_sign_of_life); }
    watchdog_.check_deadline(now, !heartbeat_.is_overdue());
    if (restart_at_ && now >= *restart_at_) {
        restart_at_.reset();
        start_child();
    }
    // What has fired stays readable until it is set again.
    arm_timer();
    if (!armed_) { kernel_.set_timer(timer_.get(), std::nullopt); }
}

void Init::handle_notification() noexcept {
    char buffer[4096];
    const auto datagram = kernel_.receive(notify_.get(), buffer);
    if (!datagram) { return; }
    // The address can be reached by every process of the network namespace; only our children are believed.
    if (datagram->sender == 0) { return; }
    const Notification notification = parse_notification(datagram->text);
    if (services_.notified(datagram->sender, notification)) { return; }
    if (datagram->sender != supervisor_.process() || runs_command()) { return; }
    if (!notification.status.empty()) {
        main_status_ = notification.status;
        log_.debug("runtime: ", notification.status);
    }
    if (!landlock_abi_) { landlock_abi_ = notification.landlock_abi; }
    const base::Nanoseconds now = kernel_.now();
    if (notification.watchdog_interval) { heartbeat_.set_interval(*notification.watchdog_interval, now); }
    if (notification.alive) { heartbeat_.beat(now); }
    if (notification.stuck) {
        heartbeat_.trigger(now);
        if (heartbeat_.check_deadline(now)) { kill_main(base::Level::error, no_sign_of_life); }
    }
    if (notification.ready && !supervisor_.is_ready()) {
        supervisor_.ready(now);
        heartbeat_.begin(now);
        if (!boot_time_) { boot_time_ = now - began_; }
        kernel_.drop_program_pages(); // once more: publish() came after the first time
        timeline_.mark("ready");
        log_.info("ready to serve on http://", config_.listen.http.c_str());
        services_.set_runtime_ready(true);
        services_.advance();
    }
}

// The runtime has its answers to finish before it gets the time that all others get.
base::Nanoseconds Init::patience_with_main() const noexcept {
    return std::chrono::milliseconds(config_.shutdown.timeout) +
           std::chrono::milliseconds(runs_command() ? 0 : config_.http.drain);
}

void Init::kill_main(base::Level level, std::string_view why) noexcept {
    log_.write(level, "the ", main_name(), why, " and is killed");
    if (supervisor_.process() != 0) { (void)kernel_.kill(supervisor_.process(), SIGKILL); }
}

} // namespace vb::init
