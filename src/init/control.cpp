// Init's answers to who asks over the control socket (src/control): each is begun here and goes on in the loop.
#include "init/accounts.h"
#include "init/init.h"
#include "init/machine.h"
#include "init/runtime_sandbox.h"

#include <csignal>

namespace vb::init {

namespace {

std::unexpected<control::Refusal> refuse(std::string_view why) noexcept {
    return std::unexpected(control::Refusal{.reason = control::Refusal::Reason::failed, .text = why});
}
std::unexpected<control::Refusal> no_such_unit() noexcept {
    return std::unexpected(control::Refusal{.reason = control::Refusal::Reason::no_such_unit, .text = {}});
}

// What a running system cannot take over, as a list for people.
base::Text<255> changed_for_the_next_start(const config::Config& now, const config::Config& next) noexcept {
    base::Text<255> list;
    const auto compare = [&list](const auto& one, const auto& other, std::string_view name) {
        if (one != other) { list << (list.empty() ? "" : ", ") << name; }
    };
    compare(now.handoff, next.handoff, "[handoff]");
    compare(now.listen, next.listen, "[listen]");
    compare(now.failure, next.failure, "[failure]");
    compare(now.shutdown, next.shutdown, "[shutdown]");
    compare(now.watchdog, next.watchdog, "[watchdog]");
    compare(now.machine, next.machine, "[machine]");
    compare(now.control, next.control, "[control]");
    compare(now.log.directory, next.log.directory, "[log] directory");
    compare(now.mount, next.mount, "[[mount]]");
    return list;
}

} // namespace

// A system that cannot be asked still does its work: what fails here is a warning.
void Init::open_control() noexcept {
    std::optional<gid_t> group;
    if (!config_.control.group.empty()) {
        const auto account = find_account(kernel_, "", config_.control.group);
        if (!account) {
            log_.warning(base::describe(account.error()));
        } else {
            group = account->identity.group;
        }
    }
    control_.set_group(group);
    const auto opened = control_.open(poll_.get(), control::socket_path);
    if (!opened) { log_.warning("nobody can ask: ", base::describe(opened.error())); }
}

control::Overview Init::overview() noexcept {
    control::Overview overview;
    overview.version = setup_.version;
    overview.place = setup_.place == Place::machine     ? control::Place::machine
                     : setup_.place == Place::container ? control::Place::container
                                                        : control::Place::process;
    overview.uptime = kernel_.now() - began_;
    overview.boot_time = boot_time_;
    const bool has_failed = main_state() == control::UnitState::failed ||
                            std::ranges::any_of(services_.all(), [](const std::unique_ptr<Service>& service) {
                                return service->state() == Service::State::failed;
                            });
    overview.state = shutdown_.is_under_way() ? control::State::stopping
                     : has_failed             ? control::State::degraded
                     : supervisor_.is_ready() ? control::State::ready
                                              : control::State::starting;
    return overview;
}

control::UnitState Init::main_state() const noexcept {
    using enum control::UnitState;
    if (supervisor_.process() != 0) {
        if (shutdown_.is_under_way() || request_ != Request::none) { return stopping; }
        return supervisor_.is_ready() ? ready : starting;
    }
    if (stage_ != Stage::running) { return waiting; }
    if (restart_at_) { return restarting; }
    return shutdown_.is_under_way() || request_ == Request::stop ? stopped : failed;
}

std::size_t Init::unit_count() noexcept { return 1 + services_.all().size(); }

control::Unit Init::unit(std::size_t index) noexcept {
    return index == 0 ? main_unit() : unit_of(*services_.all()[index - 1]);
}

control::Unit Init::main_unit() noexcept {
    control::Unit unit;
    unit.name = main_name();
    unit.kind = runs_command() ? control::UnitKind::command : control::UnitKind::runtime;
    unit.state = main_state();
    if (supervisor_.process() != 0) { unit.process = supervisor_.process(); }
    unit.restarts = restarts_;
    unit.since = main_since_ - began_;
    unit.status = main_status_;
    unit.last_exit = main_last_end_.view();
    if (unit.process && !runs_command()) {
        unit.confinement = confinement_of(kernel_, *unit.process, landlock_abi_);
    }
    return unit;
}

control::Unit Init::unit_of(const Service& service) noexcept {
    control::Unit unit;
    unit.name = std::string_view(service.configured().name);
    unit.state = service.state();
    if (service.is_running()) { unit.process = service.process(); }
    unit.restarts = service.restarts();
    unit.since = service.since() - began_;
    unit.status = service.status();
    unit.last_exit = service.last_end();
    if (surroundings_.has_cgroups) { unit.memory = service.memory(); }
    return unit;
}

void Init::publish_main() noexcept {
    const control::UnitState state = main_state();
    if (state == published_state_) { return; }
    published_state_ = state;
    main_since_ = kernel_.now();
    control_.publish(main_unit());
}

void Init::changed(const Service& service) noexcept { control_.publish(unit_of(service)); }

control::Answer Init::start(std::string_view unit) noexcept {
    if (shutdown_.is_under_way()) { return refuse("everything is ending"); }
    if (unit == main_name()) {
        if (supervisor_.process() == 0 && stage_ == Stage::running) {
            request_ = Request::none;
            supervisor_.forgive();
            restart_at_ = kernel_.now();
        }
        return {};
    }
    Service* const service = services_.find(unit);
    if (service == nullptr) { return no_such_unit(); }
    if (!service->is_running()) { service->stop(true); }
    return {};
}

control::Answer Init::stop(std::string_view unit) noexcept {
    if (unit == main_name()) {
        if (runs_command() && setup_.place != Place::machine) {
            return refuse("the container ends with its command: vbctl poweroff ends both");
        }
        ask_main_to_end(Request::stop);
        return {};
    }
    Service* const service = services_.find(unit);
    if (service == nullptr) { return no_such_unit(); }
    service->stop();
    return {};
}

control::Answer Init::restart(std::string_view unit) noexcept {
    if (shutdown_.is_under_way()) { return refuse("everything is ending"); }
    if (unit == main_name()) {
        if (runs_command() && setup_.place != Place::machine) {
            return refuse("the container ends with its command");
        }
        if (supervisor_.process() == 0) { return start(unit); }
        ask_main_to_end(Request::restart);
        return {};
    }
    Service* const service = services_.find(unit);
    if (service == nullptr) { return no_such_unit(); }
    service->stop(true);
    return {};
}

void Init::ask_main_to_end(Request request) noexcept {
    request_ = request;
    restart_at_.reset();
    if (supervisor_.process() != 0) {
        kill_at_ = kernel_.now() + patience_with_main();
        (void)kernel_.kill(supervisor_.process(), SIGTERM);
        (void)kernel_.kill(supervisor_.process(), SIGCONT);
    }
    publish_main();
}

// The death that was asked for is no failure.
void Init::main_ended_as_asked() noexcept {
    kill_at_.reset();
    supervisor_.forgive();
    if (request_ == Request::restart) {
        request_ = Request::none;
        ++restarts_;
        start_child();
    }
}

control::Answer Init::reload(control::UnitNames& changed) noexcept {
    if (shutdown_.is_under_way()) { return refuse("everything is ending"); }
    auto read = setup_.source->read();
    if (!read) { return refuse(base::describe(read.error())); }
    const auto later = changed_for_the_next_start(config_, *read);
    log_.set_level(read->log.level);
    config_.log.level = read->log.level;
    std::vector<std::string> names;
    if (!read->service.empty()) { prepare_services(); }
    services_.reconfigure(read->service, names);
    config_.service = std::move(read->service);
    const bool is_runtime_changed = config_.engine != read->engine || config_.http != read->http ||
                                    config_.sandbox != read->sandbox || config_.device != read->device ||
                                    config_.on != read->on;
    if (is_runtime_changed && !runs_command()) {
        if (supervisor_.process() != 0) { ask_main_to_end(Request::restart); } // with the patience of its own
        config_.engine = std::move(read->engine);
        config_.http = std::move(read->http);
        config_.sandbox = std::move(read->sandbox);
        config_.device = std::move(read->device);
        config_.on = std::move(read->on);
        set_runtime_arguments();
        names.emplace_back(main_name());
        if (supervisor_.process() == 0 && request_ != Request::stop) { (void)start(main_name()); }
    }
    if (setup_.place == Place::machine && config_.sysctl != read->sysctl) {
        config_.sysctl = std::move(read->sysctl);
        set_parameters(kernel_, log_, config_.sysctl);
    }
    if (!later.empty()) { log_.notice("changed, which counts from the next start on: ", later); }
    for (const std::string& name : names) {
        changed.add(name);
    }
    return {};
}

control::Answer Init::end(control::Ending ending) noexcept {
    if (setup_.place != Place::machine) {
        stop(Ending::exit);
        return {};
    }
    stop(ending == control::Ending::reboot ? Ending::reboot
         : ending == control::Ending::halt ? Ending::halt
                                           : Ending::poweroff);
    return {};
}

control::Answer Init::set_log_level(base::Level level) noexcept {
    log_.set_level(level);
    return {};
}

} // namespace vb::init
