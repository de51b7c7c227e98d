// Any bytes as the file of a saved state, which starts with what a real one starts with, so that more than the
// checksum is looked at: what is taken is written again as the same bytes.
#include "engine/saved_state.h"

#include <algorithm>
#include <cstdlib>

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vb::engine;
    const std::span file(reinterpret_cast<const std::byte*>(data), size);
    Fingerprint fingerprint{};
    constexpr std::size_t offset = 32; // of the fingerprint in the file
    if (size >= offset + fingerprint.size()) {
        std::copy_n(data + offset, fingerprint.size(), fingerprint.begin());
    }
    const auto saved = decode_state(file, fingerprint);
    if (saved && !std::ranges::equal(encode_state(*saved, fingerprint), file)) { std::abort(); }
    if (!saved && saved.error().empty()) { std::abort(); }
    return 0;
}
