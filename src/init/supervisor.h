// What to do when the main child ends: pure decisions on pids, statuses and times, so that they can be tested
// without a process. It starts, kills and waits for nothing.
#pragma once

#include "base/clock.h"
#include "config/config.h"

#include <sys/types.h>

namespace vb::init {

struct Verdict {
    enum class Action : unsigned char {
        restart, // start it again after `delay`
        end,     // vector_boot ends with `status`
        give_up, // too many failures in a row: the configured policy decides
    };
    Action action;
    base::Nanoseconds delay{};
    int status = 0;
};

// The number an init passes on for a wait status: the exit code, or 128 + the signal.
int exit_status(int wait_status) noexcept;

class Supervisor {
  public:
    struct Options {
        bool ends_with_child = false; // an exec handoff outside a machine: its end is our end
        bool is_machine = false;      // a machine never ends because its runtime cannot be initialised
        bool gives_up = false;        // the policy is something else than restarting for ever
        std::uint32_t limit = 5;      // failures in a row
    };

    static constexpr int cannot_initialise = 2; // the runtime's exit status, and then ours
    static constexpr auto stable_after = std::chrono::seconds(10);
    static constexpr auto first_delay = std::chrono::milliseconds(100);
    static constexpr auto longest_delay = std::chrono::seconds(10);

    explicit Supervisor(const Options& options) noexcept : options_(options) {}

    void started(pid_t process) noexcept { process_ = process, ready_since_ = {}, shortages_ = 0; }
    void ready(base::Nanoseconds now) noexcept { ready_since_ = now, failures_before_ready_ = 0; }
    Verdict died(int wait_status, base::Nanoseconds now) noexcept;
    // The child could not even be started. Where that is for lack of processes or memory, it is nobody's failure:
    // it is tried again, later and later, for ever.
    Verdict not_started(int error_number, base::Nanoseconds now) noexcept;

    // A person has had a look: the count begins again.
    void forgive() noexcept { failures_ = failures_before_ready_ = 0; }

    pid_t process() const noexcept { return process_; } // 0: none is running
    bool is_ready() const noexcept { return ready_since_ != base::Nanoseconds{}; }
    std::uint32_t failures_in_a_row() const noexcept { return failures_; }

  private:
    Verdict failed(int status, base::Nanoseconds now) noexcept;
    static base::Nanoseconds delay_after(std::uint32_t failures) noexcept;

    Options options_;
    pid_t process_ = 0;
    base::Nanoseconds ready_since_{};
    std::uint32_t failures_ = 0;
    std::uint32_t failures_before_ready_ = 0;
    std::uint32_t shortages_ = 0; // in a row
};

} // namespace vb::init
