#include "init/services.h"

#include <algorithm>

namespace vb::init {

std::unique_ptr<Service> Services::make(const config::Service& configured) noexcept {
    auto service = std::make_unique<Service>(surroundings_, configured);
    if (const auto bound = service->bind_sockets(); !bound) {
        surroundings_.log.error("service ", configured.name, ": ", base::describe(bound.error()));
    }
    return service;
}

void Services::configure(const std::vector<config::Service>& configured) noexcept {
    for (const config::Service& one : configured) {
        services_.push_back(make(one));
    }
}

void Services::reconfigure(const std::vector<config::Service>& configured,
                           std::vector<std::string>& changed) noexcept {
    std::vector<std::unique_ptr<Service>> kept;
    for (const config::Service& one : configured) {
        const auto same = std::ranges::find_if(services_, [&one](const std::unique_ptr<Service>& service) {
            return service != nullptr && service->configured() == one;
        });
        if (same != services_.end()) {
            kept.push_back(std::move(*same));
            continue;
        }
        changed.push_back(one.name);
        kept.push_back(nullptr); // made below, when the old one of this name has let go of its sockets
    }
    for (std::unique_ptr<Service>& old : services_) {
        if (old == nullptr) { continue; }
        const bool is_replaced = std::ranges::contains(changed, old->configured().name);
        if (!is_replaced) { changed.push_back(old->configured().name); }
        old->stop();
        old->close_sockets();
        if (old->is_running()) { departing_.push_back(std::move(old)); }
    }
    for (std::size_t index = 0; index < configured.size(); ++index) {
        if (kept[index] == nullptr) { kept[index] = make(configured[index]); }
    }
    services_ = std::move(kept);
    advance();
}

bool Services::may_start(const Service& service) const noexcept {
    if (service.state() != Service::State::waiting) { return false; }
    const std::string& own = service.configured().name;
    // The one that it replaces has to be gone first.
    const bool is_awaited = std::ranges::any_of(departing_, [&own](const std::unique_ptr<Service>& other) {
        return other->configured().name == own;
    });
    if (is_awaited) { return false; }
    return std::ranges::all_of(service.configured().after, [this](const std::string& name) {
        if (name == "runtime") { return is_runtime_ready_; }
        const Service* const other = find(name);
        return other == nullptr || other->is_settled();
    });
}

void Services::advance() noexcept {
    if (is_stopping_) {
        for (const std::unique_ptr<Service>& service : services_) {
            // Asking twice would be not to wait.
            if (service->state() != Service::State::stopping && may_stop(*service)) { service->stop(); }
        }
        return;
    }
    for (bool progress = true; progress;) { // a service that fails at once lets others go on
        progress = false;
        for (const std::unique_ptr<Service>& service : services_) {
            if (!may_start(*service)) { continue; }
            service->start();
            progress = true;
        }
    }
}

bool Services::died(const sys::Death& death) noexcept {
    for (auto* const list : {&services_, &departing_}) {
        const auto service = std::ranges::find_if(*list, [&death](const std::unique_ptr<Service>& candidate) {
            return candidate->process() == death.process;
        });
        if (service == list->end()) { continue; }
        (*service)->died(death.status);
        remove_departed();
        advance();
        return true;
    }
    return false;
}

void Services::remove_departed() noexcept {
    std::erase_if(departing_, [](const std::unique_ptr<Service>& service) { return !service->is_running(); });
}

bool Services::notified(pid_t sender, const Notification& notification) noexcept {
    for (const std::unique_ptr<Service>& service : services_) {
        if (service->process() != sender) { continue; }
        if (service->configured().ready == config::Readiness::notify) { service->notified(notification); }
        advance();
        return true;
    }
    return false;
}

bool Services::readable(int fd) noexcept {
    for (const std::unique_ptr<Service>& service : services_) {
        const Service::State before = service->state();
        if (!service->readable(fd)) { continue; }
        if (service->state() != before) { advance(); } // most of what comes is output
        return true;
    }
    return false;
}

std::optional<base::Nanoseconds> Services::deadline() const noexcept {
    std::optional<base::Nanoseconds> first;
    for (const auto* const list : {&services_, &departing_}) {
        for (const std::unique_ptr<Service>& service : *list) {
            first = base::earlier(first, service->deadline());
        }
    }
    return first;
}

void Services::check_deadlines(base::Nanoseconds now) noexcept {
    for (const auto* const list : {&services_, &departing_}) {
        for (const std::unique_ptr<Service>& service : *list) {
            service->check_deadline(now);
        }
    }
    advance(); // one that was given up lets others go on
}

bool Services::may_stop(const Service& service) const noexcept {
    const std::string& own = service.configured().name;
    return std::ranges::none_of(services_, [&own](const std::unique_ptr<Service>& other) {
        return other->is_running() && std::ranges::contains(other->configured().after, own);
    });
}

void Services::stop_all() noexcept {
    is_stopping_ = true;
    advance();
}

void Services::hurry() noexcept {
    for (const auto* const list : {&services_, &departing_}) {
        for (const std::unique_ptr<Service>& service : *list) {
            if (service->is_running()) { service->stop(); } // a second time does not wait
        }
    }
}

bool Services::all_stopped() const noexcept {
    const auto is_running = [](const std::unique_ptr<Service>& service) { return service->is_running(); };
    return std::ranges::none_of(services_, is_running) && std::ranges::none_of(departing_, is_running);
}

Service* Services::find(std::string_view name) const noexcept {
    for (const std::unique_ptr<Service>& service : services_) {
        if (service->configured().name == name) { return service.get(); }
    }
    return nullptr;
}

} // namespace vb::init
