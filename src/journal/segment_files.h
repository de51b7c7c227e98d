// The segments of a journal as files of a directory: "0000000001.journal" and so on.
#pragma once

#include "base/error.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace vb::journal {

base::Text<31> segment_name(std::uint64_t number) noexcept;
// 0: not the name of a segment.
std::uint64_t segment_number(std::string_view name) noexcept;

// The numbers of the segments in `directory`, ascending.
base::Result<std::vector<std::uint64_t>> list_segments(int directory) noexcept;

struct Bytes {
    std::unique_ptr<std::byte[]> data;
    std::size_t size = 0;

    std::span<const std::byte> view() const noexcept { return {data.get(), size}; }
};
// All of a file. Fails where it is larger than any segment is.
base::Result<Bytes> read_segment(int file) noexcept;

} // namespace vb::journal
