// The control group of a service: what it may use at most, and whoever is in it when it has to go.
// Everything here is cgroup v2 below /sys/fs/cgroup: Documentation/admin-guide/cgroup-v2.rst.
#pragma once

#include "base/log.h"
#include "config/service.h"
#include "sys/kernel.h"

namespace vb::init {

// Makes the group that all services are in, with the controllers that there are. False where there is no cgroup
// file system that can be written, as in most containers.
bool prepare_cgroups(sys::Kernel& kernel) noexcept;

class Cgroup {
  public:
    explicit Cgroup(std::string_view service) noexcept { path_ << "/sys/fs/cgroup/services/" << service; }

    // Makes it, sets its limits, and opens what a process that joins writes to.
    base::Result<base::UniqueFd> open(sys::Kernel& kernel, const config::Service& limits) noexcept;
    // SIGKILL for all that are in it.
    void kill(sys::Kernel& kernel) noexcept;
    // Once nobody is in it.
    void remove(sys::Kernel& kernel) noexcept;
    // Bytes that it uses; nothing where nobody counts them.
    std::optional<std::uint64_t> memory(sys::Kernel& kernel) const noexcept;

  private:
    base::Text<127> path_;
};

} // namespace vb::init
