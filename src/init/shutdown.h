// The order of an end: the main child gets SIGTERM and time, then the services in the reverse of their order, then
// everybody else, then whoever is left is killed; the journal is written, and a machine syncs. Each step ends when
// nobody is left to wait for, or at its deadline, so that neither a stuck process nor a stuck disk can hold up the
// end for ever.
#pragma once

#include "base/log.h"
#include "init/journal.h"
#include "init/services.h"
#include "sys/kernel.h"

#include <optional>

namespace vb::init {

class Shutdown {
  public:
    struct Options {
        base::Nanoseconds grace; // from SIGTERM to SIGKILL, for the main child and then for the rest
        bool syncs = false;      // a machine's disks
    };
    // After SIGKILL only processes stuck in the kernel remain; nothing we can do frees them.
    static constexpr auto patience_after_kill = std::chrono::seconds(2);
    static constexpr auto patience_for_journal = std::chrono::seconds(5);
    static constexpr auto patience_for_sync = std::chrono::seconds(10);

    Shutdown(sys::Kernel& kernel, const base::Log& log, Services& services, Journal& journal,
             const Options& options) noexcept
        : kernel_(kernel), log_(log), services_(services), journal_(journal), options_(options) {}

    // `main_child` is 0 if none runs. The first call counts.
    void begin(pid_t main_child) noexcept;
    // Somebody asked again: stop waiting politely.
    void hurry() noexcept;

    void reaped(pid_t process) noexcept;
    void no_children_left() noexcept;
    void check_deadline(base::Nanoseconds now) noexcept;

    std::optional<base::Nanoseconds> deadline() const noexcept { return deadline_; }
    bool is_under_way() const noexcept { return phase_ != Phase::idle; }
    bool is_done() const noexcept { return phase_ == Phase::done; }

  private:
    enum class Phase : unsigned char {
        idle,
        main_child,
        main_child_killed,
        services,
        everyone,
        everyone_killed,
        journal,
        sync,
        done
    };

    void enter(Phase phase, base::Nanoseconds patience) noexcept;
    void end_services() noexcept;
    void end_everyone() noexcept;
    void kill_everyone() noexcept;
    void finish_journal() noexcept;
    void sync_disks() noexcept;
    void complete() noexcept;

    sys::Kernel& kernel_;
    const base::Log& log_;
    Services& services_;
    Journal& journal_;
    Options options_;
    Phase phase_ = Phase::idle;
    pid_t awaited_ = 0; // the main child, then the child that syncs
    std::optional<base::Nanoseconds> deadline_;
};

} // namespace vb::init
