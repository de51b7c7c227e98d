// Reads the header of a GGUF file with our own bounds before libllama does, because libllama aborts the
// process on some malformed files and trusts others. Refuses what is not consistent in itself; accepts what
// libllama accepts in practice. Bytes are only read, never copied except into the summary.
#pragma once

#include "engine/error.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace vb::engine {

// What the loader needs to know beforehand.
struct GgufSummary {
    std::uint32_t version = 0;
    std::string architecture;
    std::string tokenizer;
    std::string chat_template; // may be empty
    std::uint64_t token_count = 0;
    std::uint64_t longest_token = 0; // bytes, as it stands in the file: at least what it stands for in text
    std::uint64_t tensor_count = 0;
    std::uint64_t header_bytes = 0; // where the tensor data begins
    std::uint64_t data_bytes = 0;   // from there to the end of the last tensor
    // For an estimate of the memory that it needs; 0: the file does not say.
    std::uint64_t context_length = 0; // tokens
    std::uint64_t window = 0;         // tokens that a layer sees; not all layers need
    std::uint64_t cell_bytes = 0;     // of the keys and values of one token in all layers
    std::uint64_t width = 0;          // numbers of a token between two layers and within one

    // Without one a model takes and gives numbers of tokens, and no text.
    bool has_vocabulary() const { return tokenizer != "none" && tokenizer != "no_vocab"; }
};

// `header` are the file's first bytes, or all; what is not in it counts as missing. `file_size` is the size
// of the whole file, against which tensors are checked. `path` only names the file in messages.
Result<GgufSummary> check_gguf(std::span<const std::byte> header, std::uint64_t file_size,
                               std::string_view path);

// Maps the file and checks it.
Result<GgufSummary> check_gguf_file(const std::string& path);

} // namespace vb::engine
