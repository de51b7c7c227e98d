// What a computed state depends on, as 128 bits: it may be used again where these are the same.
#pragma once

#include "base/error.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace vb::engine {

using Fingerprint = std::array<std::uint8_t, 16>; // XXH3, 128 bits, in its canonical order

// Of a GGUF file and `settings`, any text. To read all of a large file takes longer than what a state saves,
// so of the file this is its size, its time of modification, its first `header_bytes` (all of its metadata
// and vocabulary) and pages sampled evenly over the weights.
base::Result<Fingerprint> fingerprint(const std::string& model, std::uint64_t header_bytes,
                                      std::string_view settings);

} // namespace vb::engine
