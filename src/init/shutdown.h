// The order of an end: the main child gets SIGTERM and time, then the services in the reverse of their order, then
// everybody else, then whoever is left is killed; and the journal is written. Each step ends when nobody is left to
// wait for, or at its deadline, so that neither a stuck process nor a stuck disk can hold up the end for ever. What a
// machine does after it with its disks is in disks.h.
#pragma once

#include "base/log.h"
#include "init/journal.h"
#include "init/services.h"
#include "sys/kernel.h"

#include <optional>

namespace vb::init {

class Shutdown {
  public:
    // After SIGKILL only processes stuck in the kernel remain; nothing we can do frees them.
    static constexpr auto patience_after_kill = std::chrono::seconds(2);
    static constexpr auto patience_for_journal = std::chrono::seconds(5);

    // `grace`: from SIGTERM to SIGKILL, for everybody but the main child and the services.
    Shutdown(sys::Kernel& kernel, const base::Log& log, Services& services, Journal& journal,
             base::Nanoseconds grace) noexcept
        : kernel_(kernel), log_(log), services_(services), journal_(journal), grace_(grace) {}

    // `main_child` is 0 if none runs, and has `patience` until SIGKILL. The first call counts.
    void begin(pid_t main_child, base::Nanoseconds patience) noexcept;
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
        done
    };

    void enter(Phase phase, base::Nanoseconds patience) noexcept;
    void end_services() noexcept;
    void end_everyone() noexcept;
    void kill_everyone() noexcept;
    void finish_journal() noexcept;
    void complete() noexcept;

    sys::Kernel& kernel_;
    const base::Log& log_;
    Services& services_;
    Journal& journal_;
    base::Nanoseconds grace_;
    Phase phase_ = Phase::idle;
    pid_t awaited_ = 0; // the main child, then the writer of the journal
    std::optional<base::Nanoseconds> deadline_;
};

} // namespace vb::init
