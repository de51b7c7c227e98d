// All services of the machine: starts them in their order while the model loads, and stops them in reverse.
// Nothing here waits: whoever has to wait has a deadline or a descriptor that the loop watches.
#pragma once

#include "init/service.h"

#include <memory>

namespace vb::init {

class Services {
  public:
    explicit Services(const Service::Surroundings& surroundings) noexcept : surroundings_(surroundings) {}

    // Makes services of what is configured, checked before, and binds their sockets. Allocates.
    void configure(const std::vector<config::Service>& configured) noexcept;
    // The same again later: stops what is not there any more, starts what is new, and restarts what differs.
    // Returns the names of those, which `changed` outlives.
    void reconfigure(const std::vector<config::Service>& configured,
                     std::vector<std::string>& changed) noexcept;

    // The runtime counts among those that a service can come after.
    void set_runtime_ready(bool ready) noexcept { is_runtime_ready_ = ready; }
    // Starts whatever waits for nothing any more.
    void advance() noexcept;

    // Whether it was one of ours.
    bool died(const sys::Death& death) noexcept;
    bool notified(pid_t sender, const Notification& notification) noexcept;
    bool readable(int fd) noexcept;

    std::optional<base::Nanoseconds> deadline() const noexcept;
    void check_deadlines(base::Nanoseconds now) noexcept;

    // From now on each one is stopped when none is left that comes after it.
    void stop_all() noexcept;
    // Stop waiting politely.
    void hurry() noexcept;
    bool all_stopped() const noexcept;

    Service* find(std::string_view name) const noexcept;
    const std::vector<std::unique_ptr<Service>>& all() const noexcept { return services_; }

  private:
    bool may_start(const Service& service) const noexcept;
    bool may_stop(const Service& service) const noexcept;
    void remove_departed() noexcept;
    std::unique_ptr<Service> make(const config::Service& configured) noexcept;

    const Service::Surroundings& surroundings_;
    std::vector<std::unique_ptr<Service>> services_;
    std::vector<std::unique_ptr<Service>> departing_; // not configured any more, and still running
    bool is_runtime_ready_ = false;
    bool is_stopping_ = false;
};

} // namespace vb::init
