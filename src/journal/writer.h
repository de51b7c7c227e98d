// Copies the ring to the disk. It runs in a child process of PID 1, so that a slow disk is never PID 1's
// problem: it may be killed at any time, and the next one goes on where the disk ends.
// It sleeps on an eventfd; a timer is armed only while something is not yet on the disk. What is a warning or
// worse is synced at once, everything else within a second.
#pragma once

#include "base/log.h"
#include "journal/ring.h"
#include "journal/ring_reader.h"
#include "journal/store.h"

namespace vb::journal {

class Writer {
  public:
    // `parent`: a pidfd of the process whose end is to be taken for Ring::stop_writer(), or -1.
    // All references outlive the writer. `log` gets one line when the disk fails and one when it is back; it
    // must not lead into the ring, which has one producer.
    Writer(Ring& ring, const StoreOptions& options, const base::Log& log, int parent = -1) noexcept;

    // Until it is told to stop and has tried to write everything. True: all is on the disk.
    bool run() noexcept;

  private:
    bool sleep() noexcept;
    int sleep_milliseconds() const noexcept;
    void copy(bool last_chance) noexcept;
    bool prepare() noexcept;
    bool copy_batch(bool& urgent) noexcept;
    void sync() noexcept;
    void publish() noexcept;
    void failed(const base::Error& error) noexcept;
    void recovered() noexcept;
    bool is_failing() const noexcept { return pause_ != Nanoseconds::zero(); }

    Ring& ring_;
    RingHeader& header_;
    Store store_;
    const base::Log& log_;
    int parent_;
    std::optional<RingReader> reader_;
    std::uint64_t seen_head_ = 0; // of the ring, when it was last looked at
    bool is_behind_ = false;      // the last batch ended before the ring did
    Nanoseconds sync_by_{};       // when what is unsynced has to be on the disk
    Nanoseconds retry_at_{};      // while failing: not before
    Nanoseconds pause_{};         // how long the last failure is waited out; 0: the disk works
};

// What the child that PID 1 forked does: drops every other descriptor it inherited, blocks all signals, runs
// a Writer, and says whether all is on the disk. The caller then calls _exit(2).
bool run_writer_process(Ring& ring, const StoreOptions& options, const base::Log& log, int log_fd) noexcept;

} // namespace vb::journal
