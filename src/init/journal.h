// PID 1's part in the journal (src/journal): the ring that everybody's lines go to, and the child that copies it to
// the disk, started again when it dies. It never waits for the disk.
#pragma once

#include "base/log.h"
#include "journal/ring.h"
#include "journal/writer.h"
#include "sys/kernel.h"

#include <optional>

namespace vb::init {

class Journal {
  public:
    static constexpr auto retry_delay = std::chrono::seconds(1);

    // `ring` may be null: then there is no journal. `directory`: where the disk's part is; empty: memory only.
    Journal(sys::Kernel& kernel, const base::Log& log, journal::Ring* ring, const char* directory) noexcept
        : kernel_(kernel), log_(log), ring_(ring), options_{.directory = directory} {}

    // For vbctl: where the ring is found.
    void publish() noexcept;
    // The disk's part can be written from now on.
    void start_writer() noexcept;
    // Once in each turn of the loop.
    void poke() noexcept {
        if (ring_ != nullptr) { ring_->poke(); }
    }

    // False: it was no child of ours.
    bool reaped(pid_t process) noexcept;
    std::optional<base::Nanoseconds> deadline() const noexcept { return retry_at_; }
    void check_deadline(base::Nanoseconds now) noexcept;

    // The writer ends when what there is now is on the disk: before the end of everybody.
    void stop() noexcept;
    // One more, for what was said since; when nobody else is left. Its process, or nothing where there is no need.
    std::optional<pid_t> start_last_writer() noexcept;

  private:
    bool has_disk() const noexcept {
        return ring_ != nullptr && ring_->header() != nullptr && *options_.directory != '\0';
    }
    bool start() noexcept;
    static int run(const void* argument) noexcept;

    sys::Kernel& kernel_;
    const base::Log& log_;
    journal::Ring* ring_;
    journal::StoreOptions options_;
    pid_t writer_ = 0;
    bool is_stopping_ = false;
    std::optional<base::Nanoseconds> retry_at_;
};

} // namespace vb::init
