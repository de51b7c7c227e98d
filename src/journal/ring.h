// The journal in memory: a ring of encoded records in a shared mapping. One producer (PID 1) appends; any
// process that can open the descriptor maps it to read (ring_reader.h). The oldest records are overwritten.
// Appending never blocks, allocates, fails or enters the kernel.
#pragma once

#include "base/error.h"
#include "base/unique_fd.h"
#include "journal/record.h"

#include <atomic>
#include <utility>

namespace vb::journal {

// Where PID 1 links its descriptor, and where readers look for it.
inline constexpr char ring_path[] = "/run/vector_boot/journal";
inline constexpr std::size_t default_ring_bytes = std::size_t{1} << 20U;

// The mapping's first page; the ring's words follow. Read by other processes: append only, version first.
// Positions count words since the beginning; the word at position P is words[P % capacity].
struct RingHeader {
    static constexpr std::uint32_t magic_value = 0x524a4256; // "VBJR"
    static constexpr std::uint32_t version_value = 1;
    static constexpr std::size_t bytes = 4096;

    std::uint32_t magic;
    std::uint32_t version;
    std::uint64_t capacity; // in words, a power of two
    Id run;

    // Written by the producer.
    alignas(64) std::atomic<std::uint64_t> head; // where the next record will be
    std::atomic<std::uint64_t> tail;             // where the oldest record is
    std::atomic<std::uint64_t> last;             // sequence number of the newest record
    std::atomic<std::uint32_t> stop;             // the writer shall end when all is on disk

    // Written by the writer process, and by the producer when it has none.
    alignas(64) std::atomic<std::uint64_t> flushed; // all records up to this one are on the disk or lost
    std::atomic<std::uint32_t> waiting;             // the writer sleeps: poke it
    std::atomic<std::uint32_t> bell;                // futex: counts up when there are new records
    std::atomic<std::uint32_t> fault;               // errno of the disk, 0 while it takes what it is given
};
static_assert(sizeof(RingHeader) <= RingHeader::bytes);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free); // so that loading works in read-only memory

class Ring {
  public:
    // Without a mapping: appends nothing, so that PID 1 goes on where memory could not be had.
    Ring() noexcept = default;
    // `bytes`: a power of two, at least a page. Needs no file system, so it can be the first thing PID 1 does.
    static base::Result<Ring> create(std::size_t bytes = default_ring_bytes) noexcept;

    Ring(Ring&& other) noexcept { *this = std::move(other); }
    Ring& operator=(Ring&& other) noexcept {
        std::swap(header_, other.header_);
        std::swap(bytes_, other.bytes_);
        std::swap(next_, other.next_);
        std::swap(poked_, other.poked_);
        std::swap(fd_, other.fd_);
        std::swap(poke_fd_, other.poke_fd_);
        return *this;
    }
    ~Ring();

    // Only in the process that created the ring, on one thread: a child that PID 1 forks calls forget().
    // A signal handler may append if it never returns to what it interrupted.
    void append(const Times& times, Level level, std::string_view unit, std::string_view text,
                bool cut = false) noexcept;
    // Wakes the writer if it sleeps and there is something new: once after a batch of lines, so for PID 1
    // once in each turn of its loop. A write(2) to an eventfd at most, and none while the writer is busy.
    void poke() noexcept;

    // Before each fork of the writer, and when it has died.
    void reset_writer() noexcept;
    // Asks the writer to end once all is on the disk.
    void stop_writer() noexcept;
    // What flushed() has to reach before nothing is lost any more.
    std::uint64_t last() const noexcept { return header_ != nullptr ? header_->last.load() : 0; }
    std::uint64_t flushed() const noexcept { return header_ != nullptr ? header_->flushed.load() : 0; }
    // errno of the disk, 0 while it takes what it is given.
    int fault() const noexcept { return header_ != nullptr ? static_cast<int>(header_->fault.load()) : 0; }

    // For the child that PID 1 forks for something else: it must not append.
    void forget() noexcept { header_ = nullptr; }

    RingHeader* header() const noexcept { return header_; }
    int fd() const noexcept { return fd_.get(); }           // to be linked from ring_path
    int poke_fd() const noexcept { return poke_fd_.get(); } // eventfd, what the writer sleeps on

  private:
    void wake_writer() noexcept;

    RingHeader* header_ = nullptr;
    std::size_t bytes_ = 0; // of the whole mapping
    std::uint64_t next_ = 1;
    std::uint64_t poked_ = 0; // the newest record when poke() was called last
    base::UniqueFd fd_;
    base::UniqueFd poke_fd_;
};

// The words behind the header.
inline std::atomic<std::uint64_t>* ring_words(RingHeader* header) noexcept {
    return reinterpret_cast<std::atomic<std::uint64_t>*>(reinterpret_cast<std::byte*>(header) +
                                                         RingHeader::bytes);
}
inline const std::atomic<std::uint64_t>* ring_words(const RingHeader* header) noexcept {
    return reinterpret_cast<const std::atomic<std::uint64_t>*>(reinterpret_cast<const std::byte*>(header) +
                                                               RingHeader::bytes);
}

// For base::Log::set_sink(): every line that the log lets through goes to the ring as well.
base::Log::Sink log_sink(Ring& ring) noexcept;

// Wakes every process in RingReader::wait().
void ring_the_bell(RingHeader& header) noexcept;

} // namespace vb::journal
