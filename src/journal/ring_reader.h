// One reader of the ring: takes the records in order, never waits for the producer, and counts what was
// overwritten before it came to it. Any number of readers, in any process; the mapping may be read-only.
#pragma once

#include "journal/ring.h"

#include <optional>

namespace vb::journal {

// Somebody else's ring, mapped read-only.
class RingMapping {
  public:
    // `fd` stays the caller's. Refuses anything that is not a ring.
    static base::Result<RingMapping> attach(int fd) noexcept;
    // Of the file at `path`.
    static base::Result<RingMapping> open(const char* path) noexcept;

    RingMapping(RingMapping&& other) noexcept
        : header_(std::exchange(other.header_, nullptr)), bytes_(other.bytes_) {}
    RingMapping& operator=(RingMapping&& other) noexcept {
        std::swap(header_, other.header_);
        std::swap(bytes_, other.bytes_);
        return *this;
    }
    ~RingMapping();

    const RingHeader& header() const noexcept { return *header_; }

  private:
    RingMapping() noexcept = default;

    const RingHeader* header_ = nullptr;
    std::size_t bytes_ = 0;
};

class RingReader {
  public:
    // Begins behind the record with sequence number `after`. `header` outlives the reader.
    explicit RingReader(const RingHeader& header, std::uint64_t after = 0) noexcept
        : header_(&header), capacity_(header.capacity), position_(header.tail.load()), next_(after + 1) {}

    // The next record, if there is one. Its text stays valid until the next call.
    std::optional<Record> read() noexcept;
    // Records that were overwritten before this reader came to them.
    std::uint64_t lost() const noexcept { return lost_; }

    // Sleeps until there may be something to read: on the bell, which the writer process rings whenever it
    // finds new records. Where no writer waits for the producer (it hangs on a slow disk, or there is none)
    // nobody rings, and this comes back after a second.
    void wait() noexcept;

  private:
    bool copy(std::uint64_t head) noexcept;

    const RingHeader* header_;
    std::uint64_t capacity_; // in words; read once, and the mapping was found to be as large
    std::uint64_t position_;
    std::uint64_t next_; // the sequence number that read() looks for
    std::uint64_t lost_ = 0;
    std::uint32_t bell_ = 0; // as it was before read() looked
    Encoded copy_;
};

} // namespace vb::journal
