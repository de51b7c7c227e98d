// The bytes of a segment, the journal's file on disk: frames, one behind the other, each with a checksum
// (docs/journal.md). Reading trusts nothing: what is damaged is stepped over to the next frame that is whole.
#pragma once

#include "journal/record.h"

namespace vb::journal {

// Segments have numbers; the number is the file's name and part of each checksum, so that old blocks of
// another segment, which a power cut can leave in a file, are not taken for this one's.
struct FrameHeader {
    // 0xff is in no UTF-8 text: a service cannot log something that looks like a frame.
    static constexpr std::uint32_t sync_value = 0x4a4256ff; // "\xffVBJ"

    std::uint64_t checksum; // XXH3 of what follows, with the segment's number as the seed
    std::uint32_t sync;
    std::uint32_t bytes; // of the payload, a multiple of 8
};
static_assert(sizeof(FrameHeader) == 16);
inline constexpr std::size_t most_frame_bytes = sizeof(FrameHeader) + most_encoded_bytes;

// The frame around `payload`, written to the front of `to`; returns its size, or 0 where it does not fit.
std::size_t put_frame(std::span<const std::byte> payload, std::uint64_t segment,
                      std::span<std::byte> to) noexcept;

class SegmentReader {
  public:
    SegmentReader(std::span<const std::byte> bytes, std::uint64_t segment) noexcept
        : bytes_(bytes), segment_(segment) {}

    // The payload of the next whole frame; nothing at the end.
    std::optional<std::span<const std::byte>> next() noexcept;
    // Behind the last whole frame: what follows is torn.
    std::size_t end() const noexcept { return end_; }
    // Damaged bytes between whole frames.
    std::size_t damaged() const noexcept { return damaged_; }

  private:
    std::span<const std::byte> bytes_;
    std::uint64_t segment_;
    std::size_t end_ = 0;
    std::size_t damaged_ = 0;
};

// What a writer has to know to go on in a segment.
struct SegmentSummary {
    std::size_t end = 0;          // behind the last whole frame
    std::optional<Marker> marker; // the last one
    std::uint64_t last = 0;       // sequence number of the last record behind it, or before its next
};
SegmentSummary summarize(std::span<const std::byte> bytes, std::uint64_t segment) noexcept;

} // namespace vb::journal
