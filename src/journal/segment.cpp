#include "journal/segment.h"

#include <cstring>
#include <xxhash.h>

namespace vb::journal {

namespace {

constexpr std::size_t covered = sizeof(FrameHeader::checksum); // the checksum is over what is behind itself

// The payload of the frame that begins at the front of `bytes`, if it is whole.
std::optional<std::span<const std::byte>> whole_frame(std::span<const std::byte> bytes,
                                                      std::uint64_t segment) noexcept {
    FrameHeader header{};
    if (bytes.size() < sizeof header) { return std::nullopt; }
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.sync != FrameHeader::sync_value || header.bytes < least_encoded_bytes ||
        header.bytes > most_encoded_bytes || header.bytes % 8 != 0 ||
        header.bytes > bytes.size() - sizeof header) {
        return std::nullopt;
    }
    const std::size_t size = sizeof header + header.bytes;
    if (XXH3_64bits_withSeed(bytes.data() + covered, size - covered, segment) != header.checksum) {
        return std::nullopt;
    }
    return bytes.subspan(sizeof header, header.bytes);
}

} // namespace

std::size_t put_frame(std::span<const std::byte> payload, std::uint64_t segment,
                      std::span<std::byte> to) noexcept {
    FrameHeader header{
        .checksum = 0, .sync = FrameHeader::sync_value, .bytes = static_cast<std::uint32_t>(payload.size())};
    const std::size_t size = sizeof header + payload.size();
    if (size > to.size()) { return 0; }
    std::memcpy(to.data(), &header, sizeof header);
    std::memcpy(to.data() + sizeof header, payload.data(), payload.size());
    header.checksum = XXH3_64bits_withSeed(to.data() + covered, size - covered, segment);
    std::memcpy(to.data(), &header, covered);
    return size;
}

std::optional<std::span<const std::byte>> SegmentReader::next() noexcept {
    for (std::size_t at = end_; at + sizeof(FrameHeader) <= bytes_.size(); at += 8) {
        const auto payload = whole_frame(bytes_.subspan(at), segment_);
        if (!payload) { continue; }
        damaged_ += at - end_;
        end_ = at + sizeof(FrameHeader) + payload->size();
        return payload;
    }
    return std::nullopt;
}

SegmentSummary summarize(std::span<const std::byte> bytes, std::uint64_t segment) noexcept {
    SegmentReader frames(bytes, segment);
    SegmentSummary summary;
    while (const auto payload = frames.next()) {
        if (const auto marker = decode_marker(*payload)) {
            summary.marker = marker;
            summary.last = marker->next - 1;
        } else if (const auto record = decode_record(*payload)) {
            summary.last = record->sequence;
        }
    }
    summary.end = frames.end();
    return summary;
}

} // namespace vb::journal
