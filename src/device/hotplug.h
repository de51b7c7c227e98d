// PID 1's part in loading modules: takes the kernel's uevents, and has one child at a time load what they ask for.
// Bounded: what does not fit, or was lost, makes the next child look through sysfs instead. Where /dev is ours
// alone, it also keeps the nodes in it. It never loads anything itself, and never waits.
#pragma once

#include "device/modules.h"
#include "device/uevent.h"
#include "sys/kernel.h"

#include <optional>

namespace vb::device {

class Hotplug {
  public:
    static constexpr std::size_t most_waiting = 32;
    static constexpr auto retry_delay = std::chrono::seconds(1);

    // All references outlive the object.
    Hotplug(sys::Kernel& kernel, const base::Log& log, const ModuleOptions& options) noexcept
        : kernel_(kernel), log_(log), options_(options) {}

    // From open() on, each device has its node: for a /dev that is no devtmpfs.
    void keep_nodes() noexcept { keeps_nodes_ = true; }
    // Opens the socket, then starts the look through sysfs: what comes between is seen twice, and not lost.
    base::Result<> open() noexcept;
    int fd() const noexcept { return socket_.get(); } // to be watched; -1: not open
    void receive() noexcept;                          // fd() is readable
    // False: it was no child of ours.
    bool reaped(pid_t process, int wait_status) noexcept;
    // When a child that could not be started is to be tried again.
    std::optional<base::Nanoseconds> deadline() const noexcept { return retry_at_; }
    void check_deadline(base::Nanoseconds now) noexcept;
    // Nothing is started any more; for the end.
    void stop() noexcept;

    // Everything that was asked for has been tried.
    bool is_settled() const noexcept { return child_ == 0 && !looks_everywhere_ && waiting_count_ == 0; }

  private:
    void take(const Uevent& event) noexcept;
    void add(std::string_view alias) noexcept;
    void start() noexcept;
    static int run(const void* hotplug) noexcept;
    int load_waiting() const noexcept;

    sys::Kernel& kernel_;
    const base::Log& log_;
    const ModuleOptions& options_;
    base::UniqueFd socket_;
    base::Text<511> waiting_[most_waiting];
    std::size_t waiting_count_ = 0;
    bool looks_everywhere_ = false;
    bool keeps_nodes_ = false;
    bool stopped_ = false;
    pid_t child_ = 0;
    std::optional<base::Nanoseconds> retry_at_;
};

} // namespace vb::device
