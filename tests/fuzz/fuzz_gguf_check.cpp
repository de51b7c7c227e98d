// Any bytes as a GGUF file: the check ends with a summary or with a refusal that names an offset within them.
#include "engine/gguf_check.h"

#include <cstdlib>
#include <limits>

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vb::engine;
    const std::span header(reinterpret_cast<const std::byte*>(data), size);
    // Headers alone make small inputs, so the second time the tensors' data is taken to be there.
    for (const std::uint64_t file_size : {std::uint64_t{size}, std::numeric_limits<std::uint64_t>::max()}) {
        const auto summary = check_gguf(header, file_size, "");
        if (summary) {
            const bool consistent = summary->header_bytes + summary->data_bytes <= file_size &&
                                    (summary->token_count > 0 || !summary->has_vocabulary()) &&
                                    summary->tensor_count > 0 && !summary->architecture.empty();
            if (!consistent) { std::abort(); }
        } else if (!summary.error().message.starts_with(": offset ")) {
            std::abort();
        }
    }
    return 0;
}
