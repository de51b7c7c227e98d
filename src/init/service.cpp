#include "init/service.h"

#include "config/signal_names.h"
#include "init/accounts.h"
#include "init/ending.h"

#include <algorithm>
#include <csignal>
#include <utility>

namespace vb::init {

namespace {

Supervisor::Options supervision(const config::Service& service) noexcept {
    return {.is_machine = true, // nothing here ends vector_boot itself
            .gives_up = true,
            .limit = service.limit};
}

std::uint64_t bits_of(const std::vector<std::string>& names) noexcept {
    std::uint64_t bits = 0;
    for (const std::string& name : names) {
        bits |= std::uint64_t{1} << config::parse_capability(name).value_or(0);
    }
    return bits;
}

} // namespace

Service::Service(const Surroundings& surroundings, config::Service configured) noexcept
    : surroundings_(surroundings), configured_(std::move(configured)), supervisor_(supervision(configured_)),
      environment_(surroundings.environment, true), cgroup_(configured_.name),
      output_(surroundings.kernel, surroundings.log, configured_.name), since_(surroundings.kernel.now()) {
    for (const std::string& word : configured_.command) {
        arguments_.push_back(word.c_str());
    }
    arguments_.push_back(nullptr);
    for (const auto& [name, value] : configured_.limits) {
        limits_.push_back({.resource = config::parse_limit(name).value_or(0), .value = value});
    }
    environment_.set_default("PATH", standard_path);
    if (configured_.ready == config::Readiness::notify) {
        environment_.set("NOTIFY_SOCKET", surroundings.notify_socket);
    }
    base::Text<15> number;
    if (!configured_.sockets.empty()) {
        environment_.set("LISTEN_FDS", number << configured_.sockets.size());
        process_id_slot_ = environment_.set_process_id("LISTEN_PID");
    }
    if (configured_.ready == config::Readiness::fd) {
        number.clear();
        environment_.set("READY_FD", number << 3 + configured_.sockets.size());
    }
    put_configured_variables();
}

base::Result<> Service::bind_sockets() noexcept {
    for (const std::string& text : configured_.sockets) {
        auto bound = sys::parse_socket_address(text).and_then(
            [this](const sys::SocketAddress& address) { return surroundings_.kernel.listen(address); });
        if (!bound) { return std::unexpected(bound.error()); }
        inherited_.push_back(bound->get());
        sockets_.push_back(std::move(*bound));
    }
    return {};
}

void Service::close_sockets() noexcept {
    inherited_.clear();
    sockets_.clear();
}

void Service::enter(State state) noexcept {
    if (state == state_) { return; }
    state_ = state;
    since_ = surroundings_.kernel.now();
    if (surroundings_.observer != nullptr) { surroundings_.observer->changed(*this); }
}

void Service::set_account(const Account& account) noexcept {
    if (account.name.empty()) { return; }
    environment_.set("USER", account.name);
    environment_.set("LOGNAME", account.name);
    environment_.set("HOME", account.home);
    put_configured_variables(); // which win
}

void Service::put_configured_variables() noexcept {
    for (const std::string& variable : configured_.environment) {
        environment_.put(variable.c_str());
    }
}

void Service::become_ready() noexcept {
    supervisor_.ready(surroundings_.kernel.now());
    enter(State::ready);
}

base::Result<> Service::confine(sys::Confinement& confinement, base::UniqueFd& joined) noexcept {
    confinement.limits = limits_;
    confinement.no_new_privileges = configured_.no_new_privileges;
    if (!configured_.directory.empty()) { confinement.directory = configured_.directory.c_str(); }
    if (configured_.capabilities) { confinement.capabilities = bits_of(*configured_.capabilities); }
    if (!configured_.user.empty() || !configured_.group.empty()) {
        const auto account = find_account(surroundings_.kernel, configured_.user, configured_.group);
        if (!account) { return std::unexpected(account.error()); }
        confinement.identity = account->identity;
        set_account(*account);
    }
    if (!surroundings_.has_cgroups) { return {}; }
    auto group = cgroup_.open(surroundings_.kernel, configured_);
    if (!group) { return std::unexpected(group.error()); }
    joined = std::move(*group);
    confinement.cgroup = joined.get();
    return {};
}

base::Result<pid_t> Service::spawn() noexcept {
    sys::Kernel& kernel = surroundings_.kernel;
    sys::Confinement confinement;
    base::UniqueFd joined; // cgroup.procs
    if (auto confined = confine(confinement, joined); !confined) { return std::unexpected(confined.error()); }
    inherited_.resize(sockets_.size());
    base::UniqueFd says_ready;
    if (configured_.ready == config::Readiness::fd) {
        auto pipe = kernel.open_pipe();
        if (!pipe) { return std::unexpected(pipe.error()); }
        ready_ = std::move(pipe->read);
        says_ready = std::move(pipe->write);
        inherited_.push_back(says_ready.get());
        if (auto watched = kernel.watch(surroundings_.poll, ready_.get()); !watched) {
            return std::unexpected(watched.error());
        }
    }
    const base::UniqueFd output = output_.open(surroundings_.poll);
    return kernel.spawn({.path = arguments_[0],
                         .arguments = const_cast<char* const*>(arguments_.data()),
                         .environment = environment_.variables(),
                         .inherited = inherited_,
                         .keeps_descriptors = false,
                         .process_id_slot = process_id_slot_,
                         .terminal = sys::Terminal::none,
                         .output = output.get(),
                         .confinement = &confinement});
}

void Service::start() noexcept {
    deadline_.reset();
    status_.clear();
    const auto child = spawn();
    if (!child) {
        surroundings_.log.error("service ", configured_.name, ": ", base::describe(child.error()));
        follow(supervisor_.not_started(child.error().number, surroundings_.kernel.now()));
        return;
    }
    supervisor_.started(*child);
    enter(State::starting);
    const bool is_oneshot = configured_.type == config::ServiceType::oneshot;
    if (!is_oneshot && configured_.ready == config::Readiness::none) { become_ready(); }
}

void Service::stop(bool again) noexcept {
    starts_again_ = again;
    if (!is_running()) {
        deadline_.reset();
        if (again) {
            supervisor_.forgive();
            start();
        } else {
            enter(State::stopped);
        }
        return;
    }
    if (state_ == State::stopping) {
        if (!again) { deadline_ = surroundings_.kernel.now(); }
        return;
    }
    enter(State::stopping);
    deadline_ = surroundings_.kernel.now() + std::chrono::milliseconds(configured_.stop_timeout);
    (void)surroundings_.kernel.kill(process(), config::parse_signal(configured_.stop_signal));
    (void)surroundings_.kernel.kill(process(), SIGCONT); // a stopped process does not see the other one
}

bool Service::should_restart(int wait_status) const noexcept {
    const bool succeeded = exit_status(wait_status) == 0;
    if (configured_.restart == config::Restart::never) { return false; }
    if (configured_.type == config::ServiceType::oneshot) { return !succeeded; }
    return configured_.restart == config::Restart::always || !succeeded;
}

void Service::died(int wait_status) noexcept {
    // Whoever it has left behind: in its cgroup, or in the process group of its session.
    if (surroundings_.has_cgroups) {
        cgroup_.kill(surroundings_.kernel);
    } else {
        (void)surroundings_.kernel.kill(-process(), SIGKILL);
    }
    output_.finish();
    last_end_ = describe_end(wait_status);
    ready_.reset();
    const bool was_asked_to = state_ == State::stopping;
    const bool succeeded = exit_status(wait_status) == 0;
    const auto level = was_asked_to || succeeded ? base::Level::info : base::Level::warning;
    surroundings_.log.write(level, "service ", configured_.name, " ", last_end_);
    deadline_.reset();
    const Verdict verdict = supervisor_.died(wait_status, surroundings_.kernel.now());
    if (was_asked_to) {
        supervisor_.forgive();
        enter(State::stopped);
        if (std::exchange(starts_again_, false)) { start(); }
    } else if (should_restart(wait_status)) {
        follow(verdict);
    } else if (configured_.type == config::ServiceType::oneshot && succeeded) {
        enter(State::ready);
    } else {
        enter(succeeded ? State::stopped : State::failed);
    }
}

void Service::follow(const Verdict& verdict) noexcept {
    if (verdict.action != Verdict::Action::restart) {
        surroundings_.log.error("service ", configured_.name, " failed ", supervisor_.failures_in_a_row(),
                                " times in a row and is given up");
        enter(State::failed);
        return;
    }
    ++restarts_;
    enter(State::restarting);
    deadline_ = surroundings_.kernel.now() + verdict.delay;
}

void Service::notified(const Notification& notification) noexcept {
    if (!notification.status.empty()) { status_ = notification.status; }
    if (notification.ready && state_ == State::starting) { become_ready(); }
}

bool Service::readable(int fd) noexcept {
    if (output_.readable(fd)) { return true; }
    if (!ready_ || fd != ready_.get()) { return false; }
    char buffer[64];
    const auto text = surroundings_.kernel.read(fd, buffer);
    if (!text) { return true; }
    const bool says_so = text->contains('\n');
    if (says_so && state_ == State::starting) { become_ready(); }
    // Where it has closed its end there is nothing more to come.
    if (says_so || text->empty()) { ready_.reset(); }
    return true;
}

void Service::check_deadline(base::Nanoseconds now) noexcept {
    if (!deadline_ || now < *deadline_) { return; }
    deadline_.reset();
    if (state_ == State::restarting) {
        start();
    } else if (state_ == State::stopping && is_running()) {
        surroundings_.log.warning("service ", configured_.name, " did not end in time and is killed");
        (void)surroundings_.kernel.kill(process(), SIGKILL);
    }
}

} // namespace vb::init
