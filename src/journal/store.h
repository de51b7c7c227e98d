// The journal on disk: a directory of segments, the oldest of which are deleted (docs/journal.md). For the
// one process that writes it; readers need no lock.
// A full, read-only or broken disk is an error that can be tried again, never the end of anything: what was
// not taken is still in the ring, and appended() says from where on.
#pragma once

#include "base/error.h"
#include "base/unique_fd.h"
#include "journal/segment.h"

namespace vb::journal {

inline constexpr char default_directory[] = "/var/log/vector_boot";

struct StoreOptions {
    const char* directory = default_directory;
    std::uint32_t segments = 8;
    std::uint32_t segment_bytes = 1U << 20U;
};

class Store {
  public:
    static constexpr std::size_t buffer_bytes = 32768;

    Store(const StoreOptions& options, const Id& run, const Id& boot) noexcept
        : options_(options), run_(run), boot_(boot) {}

    // Makes the directory where it is missing, cuts the torn end off the newest segment, and goes on behind
    // it: with what this run has written there already, or with the run's marker. All of it is on the disk
    // then.
    base::Result<> open() noexcept;
    void close() noexcept;
    bool is_open() const noexcept { return bool(segment_); }

    // Into the buffer, which is written when it is full. An error: the record was not taken.
    base::Result<> append(const Record& record) noexcept;
    // Writes the buffer and waits for the disk. After an error the store may be closed, since nobody knows
    // what the disk has of what was written since the last sync().
    base::Result<> sync() noexcept;

    // Sequence numbers of this run: the newest taken, and the newest that a power cut does not take back.
    std::uint64_t appended() const noexcept { return appended_; }
    std::uint64_t synced() const noexcept { return synced_; }
    bool is_unsynced() const noexcept { return unsynced_; }

  private:
    base::Result<> open_directory() noexcept;
    base::Result<> resume() noexcept;
    base::Result<> adopt(base::UniqueFd file, std::uint64_t number, std::size_t size,
                         std::size_t end) noexcept;
    base::Result<> begin_segment() noexcept;
    base::Result<> put(std::span<const std::byte> payload) noexcept;
    base::Result<> put_marker() noexcept;
    base::Result<> write_buffer() noexcept;
    bool has_room(std::size_t payload_bytes) const noexcept;

    StoreOptions options_;
    Id run_;
    Id boot_;
    base::UniqueFd directory_;
    base::UniqueFd segment_;
    std::uint64_t number_ = 0;  // of the segment
    std::uint64_t written_ = 0; // bytes of it that the kernel has
    std::uint64_t on_disk_ = 0; // bytes of it that the disk has
    std::uint64_t appended_ = 0;
    std::uint64_t synced_ = 0;
    bool unsynced_ = false;    // something is in the buffer, or only in the kernel's memory
    bool is_name_new_ = false; // the directory's entry is only in the kernel's memory
    std::size_t buffered_ = 0;
    std::array<std::byte, buffer_bytes> buffer_;
};

} // namespace vb::journal
