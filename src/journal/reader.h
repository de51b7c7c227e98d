// Reads the journal for people: the segments on disk, run after run, and behind them what is only in the ring,
// each line once. Not for PID 1: it allocates.
#pragma once

#include "base/error.h"
#include "base/unique_fd.h"
#include "journal/ring_reader.h"

#include <string>
#include <vector>

namespace vb::journal {

struct Run {
    Id id{};
    Id boot{};                // zeroes where only the ring knows of the run
    std::uint64_t next = 1;   // the sequence number that is expected next
    std::uint64_t missed = 0; // lines that are nowhere any more, not yet told of in an entry
};

struct Entry {
    std::uint64_t sequence = 0;
    Times times;
    Level level = Level::info;
    bool cut = false;
    std::string unit;
    std::string text;
    std::size_t run = 0;    // index into Reader::runs()
    std::uint64_t lost = 0; // lines between this entry and the one before that are nowhere any more
};

struct Filter {
    std::string unit;                   // empty: all
    Level least = Level::debug;         // this, and what is worse
    Nanoseconds since{};                // wall-clock time
    std::string run;                    // see Reader::find_run(); empty: all
    std::size_t last = ~std::size_t{0}; // so many, the newest
};

class Reader {
  public:
    struct Sources {
        std::string ring;      // path; empty: none
        std::string directory; // empty: none
    };
    // One source that is not there is empty; an error where none is.
    static base::Result<Reader> open(const Sources& sources);

    // What there is now, in order. An error where the filter names a run that is not there.
    base::Result<std::vector<Entry>> read(const Filter& filter);
    // What has come to the ring since read() or the last call; `filter.run` and `filter.last` do not count.
    std::vector<Entry> follow(const Filter& filter);
    bool has_ring() const noexcept { return mapping_.has_value(); }
    // Sleeps until follow() may have something.
    void wait() noexcept { live_->wait(); }

    // Oldest first; the ring's is the last one.
    const std::vector<Run>& runs() const noexcept { return runs_; }

  private:
    std::size_t run_index(const Id& id);
    base::Result<std::size_t> find_run(std::string_view wanted) const;
    void add(const Record& record, std::size_t run, const Filter& filter, std::vector<Entry>& entries);
    std::uint64_t hold_ring(std::vector<std::byte>& held);
    void read_segments(const Filter& filter, std::uint64_t ring_begins, std::vector<Entry>& entries);
    void read_frames(std::span<const std::byte> bytes, std::uint64_t number, const Filter& filter,
                     std::uint64_t ring_begins, std::vector<Entry>& entries);

    base::UniqueFd directory_;
    std::optional<RingMapping> mapping_;
    std::optional<RingReader> live_;
    std::vector<Run> runs_;
    std::optional<std::size_t> segment_run_; // whose records are being read
};

// 32 hexadecimal digits.
std::string to_text(const Id& id);

} // namespace vb::journal
