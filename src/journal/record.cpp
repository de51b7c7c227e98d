#include "journal/record.h"

#include "journal/plain_text.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace vb::journal {

namespace {

static_assert(std::endian::native == std::endian::little, "the format on disk is little-endian");

enum class Kind : std::uint8_t { record = 1, marker = 2 };

constexpr std::uint8_t flag_cut = 1;
constexpr std::uint8_t marker_version = 1;

struct Header {
    Kind kind;
    std::uint8_t level; // of a marker: its version
    std::uint8_t flags;
    std::uint8_t unit_bytes;
    std::uint16_t text_bytes;
    std::uint16_t words; // size of the whole in units of 8 bytes
    std::uint64_t sequence;
    std::int64_t monotonic;
    std::int64_t realtime;
};
static_assert(sizeof(Header) == least_encoded_bytes && sizeof(Id) * 2 + sizeof(Header) <= most_encoded_bytes);
constexpr std::size_t marker_bytes = sizeof(Header) + 2 * sizeof(Id);

std::optional<Header> decode_header(std::span<const std::byte> bytes, Kind kind) noexcept {
    if (bytes.size() < sizeof(Header)) { return std::nullopt; }
    Header header{};
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.kind != kind || header.words * std::size_t{8} != bytes.size()) { return std::nullopt; }
    return header;
}

void put_header(Header& header, std::size_t content, Encoded& encoded) noexcept {
    encoded.size = (sizeof header + content + 7) / 8 * 8;
    header.words = static_cast<std::uint16_t>(encoded.size / 8);
    std::memset(encoded.bytes.data() + encoded.size - 8, 0, 8); // the padding
    std::memcpy(encoded.bytes.data(), &header, sizeof header);
}

char* characters(std::byte* bytes) noexcept { return reinterpret_cast<char*>(bytes); }
const char* characters(const std::byte* bytes) noexcept { return reinterpret_cast<const char*>(bytes); }

Nanoseconds clock(clockid_t which) noexcept {
    timespec now{};
    ::clock_gettime(which, &now);
    return std::chrono::seconds(now.tv_sec) + Nanoseconds(now.tv_nsec);
}

} // namespace

Times Times::now() noexcept {
    return {.monotonic = base::monotonic_now(), .realtime = clock(CLOCK_REALTIME)};
}

void encode(const Record& record, Encoded& encoded) noexcept {
    const std::size_t unit = cut_length(record.unit, most_unit_bytes);
    const std::size_t text = cut_length(record.text, most_text_bytes);
    const bool cut = record.cut || text < record.text.size();
    Header header{.kind = Kind::record,
                  .level = static_cast<std::uint8_t>(record.level),
                  .flags = cut ? flag_cut : std::uint8_t{0},
                  .unit_bytes = static_cast<std::uint8_t>(unit),
                  .text_bytes = static_cast<std::uint16_t>(text),
                  .words = 0,
                  .sequence = record.sequence,
                  .monotonic = record.times.monotonic.count(),
                  .realtime = record.times.realtime.count()};
    put_header(header, unit + text, encoded);
    char* const unit_begin = characters(encoded.bytes.data() + sizeof header);
    std::ranges::copy(record.unit.substr(0, unit), unit_begin);
    std::ranges::copy(record.text.substr(0, text), unit_begin + unit);
    make_plain({unit_begin, unit});
    make_plain({unit_begin + unit, text});
}

void encode(const Marker& marker, Encoded& encoded) noexcept {
    Header header{.kind = Kind::marker,
                  .level = marker_version,
                  .flags = 0,
                  .unit_bytes = 0,
                  .text_bytes = 0,
                  .words = 0,
                  .sequence = marker.next,
                  .monotonic = marker.times.monotonic.count(),
                  .realtime = marker.times.realtime.count()};
    put_header(header, 2 * sizeof(Id), encoded);
    std::memcpy(encoded.bytes.data() + sizeof header, &marker.run, sizeof marker.run);
    std::memcpy(encoded.bytes.data() + sizeof header + sizeof(Id), &marker.boot, sizeof marker.boot);
}

std::size_t encoded_size(std::uint64_t first_word) noexcept {
    const std::size_t size = (first_word >> 48U) * 8;
    return size >= least_encoded_bytes && size <= most_encoded_bytes ? size : 0;
}

std::optional<Record> decode_record(std::span<const std::byte> bytes) noexcept {
    const auto header = decode_header(bytes, Kind::record);
    if (!header || header->level > static_cast<std::uint8_t>(Level::debug) ||
        header->unit_bytes > most_unit_bytes || header->text_bytes > most_text_bytes ||
        sizeof *header + header->unit_bytes + header->text_bytes > bytes.size()) {
        return std::nullopt;
    }
    const char* const unit = characters(bytes.data() + sizeof *header);
    const Record record{
        .sequence = header->sequence,
        .times = {.monotonic = Nanoseconds(header->monotonic), .realtime = Nanoseconds(header->realtime)},
        .level = static_cast<Level>(header->level),
        .cut = (header->flags & flag_cut) != 0,
        .unit = {unit, header->unit_bytes},
        .text = {unit + header->unit_bytes, header->text_bytes}};
    if (!is_plain(record.unit) || !is_plain(record.text)) { return std::nullopt; }
    return record;
}

std::optional<Marker> decode_marker(std::span<const std::byte> bytes) noexcept {
    const auto header = decode_header(bytes, Kind::marker);
    if (!header || header->level != marker_version || bytes.size() < marker_bytes) { return std::nullopt; }
    Marker marker{
        .times = {.monotonic = Nanoseconds(header->monotonic), .realtime = Nanoseconds(header->realtime)},
        .next = header->sequence};
    std::memcpy(&marker.run, bytes.data() + sizeof *header, sizeof marker.run);
    std::memcpy(&marker.boot, bytes.data() + sizeof *header + sizeof(Id), sizeof marker.boot);
    return marker;
}

} // namespace vb::journal
