// The end of a machine's disks: swap off, everything unmounted, what is busy made read-only. Each of it may hang for
// as long as a disk or a server does, so a child does it, and at the deadline PID 1 goes on without.
#pragma once

#include "base/log.h"
#include "sys/kernel.h"

#include <optional>

namespace vb::init {

// Blocks: for a child, or for a PID 1 that can have none. Takes away in the reverse order of mounting, again and again
// while that frees something (a file system is busy as long as there is swap or a loop device on it), and makes what
// is left read-only, / included. What could not be ended is a line of the log. Returns an exit status.
int end_disks(sys::Kernel& kernel, const base::Log& log) noexcept;

class Disks {
  public:
    static constexpr auto patience = std::chrono::seconds(60); // as much as memory holds, on a slow card
    static constexpr auto retry_delay = std::chrono::milliseconds(500);
    static constexpr int most_attempts = 5;

    // All references outlive the object.
    Disks(sys::Kernel& kernel, const base::Log& log) noexcept : kernel_(kernel), log_(log) {}

    void begin() noexcept;
    // False: it was no child of ours.
    bool reaped(pid_t process, int wait_status) noexcept;
    std::optional<base::Nanoseconds> deadline() const noexcept;
    void check_deadline(base::Nanoseconds now) noexcept;

    bool is_done() const noexcept { return state_ == State::ended || state_ == State::not_ended; }
    // No child could do it: what is left is end_disks(), by the caller itself.
    bool are_left_to_us() const noexcept { return state_ == State::not_ended; }

  private:
    enum class State : unsigned char { idle, ending, ended, not_ended };

    void start() noexcept;
    void try_again() noexcept;
    static int run(const void* argument) noexcept;

    sys::Kernel& kernel_;
    const base::Log& log_;
    State state_ = State::idle;
    int attempts_ = 0;
    pid_t child_ = 0;
    base::Nanoseconds give_up_at_{};
    std::optional<base::Nanoseconds> retry_at_;
};

} // namespace vb::init
