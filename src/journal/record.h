// One line of the journal, and its bytes: the same in the ring, which PID 1 and its readers share, and in the
// segments on disk (docs/journal.md). Encoding and decoding allocate nothing; decoding trusts nothing.
#pragma once

#include "base/clock.h"
#include "base/log.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace vb::journal {

using base::Level;
using base::Nanoseconds;

inline constexpr std::size_t most_unit_bytes = 31;
inline constexpr std::size_t most_text_bytes = 1023;

struct Times {
    Nanoseconds monotonic{};
    Nanoseconds realtime{}; // since 1970; a machine without a clock of its own may begin there

    static Times now() noexcept;
};

struct Record {
    std::uint64_t sequence = 0; // 1, 2, ... in each run
    Times times;
    Level level = Level::info;
    bool cut = false; // the line went on behind the text
    std::string_view unit;
    std::string_view text;
};

// 128 random bits. A run is one life of PID 1: on a machine a boot of the kernel; a container can have many
// runs in one boot of its host, so that the kernel's boot id alone would not tell them apart.
using Id = std::array<std::uint8_t, 16>;

// What a run begins with in the store, and again each segment.
struct Marker {
    Id run{};
    Id boot{}; // /proc/sys/kernel/random/boot_id
    Times times;
    std::uint64_t next = 1; // sequence number of the first record behind the marker
};

// The bytes of one record or marker: a multiple of 8, the size itself among the first 8.
inline constexpr std::size_t least_encoded_bytes = 32;
inline constexpr std::size_t most_encoded_bytes =
    (least_encoded_bytes + most_unit_bytes + most_text_bytes + 7) / 8 * 8;

struct Encoded {
    alignas(8) std::array<std::byte, most_encoded_bytes> bytes;
    std::size_t size = 0;

    std::span<const std::byte> view() const noexcept { return {bytes.data(), size}; }
};

// Unit and text are cut to what fits, at the end of a character, and made plain (plain_text.h).
void encode(const Record& record, Encoded& encoded) noexcept;
void encode(const Marker& marker, Encoded& encoded) noexcept;

// The size that the first 8 bytes of an encoded record or marker claim; 0: no valid one.
std::size_t encoded_size(std::uint64_t first_word) noexcept;

// Nothing: damaged, or of a kind that this version does not know. The views of a record point into `bytes`.
std::optional<Record> decode_record(std::span<const std::byte> bytes) noexcept;
std::optional<Marker> decode_marker(std::span<const std::byte> bytes) noexcept;

} // namespace vb::journal
