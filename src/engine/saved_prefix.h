// The beginning of every prompt, computed once: the tokens that the chat template writes before a message's
// text, and the state of a context that has read them, kept in a file. Restoring it takes well under a
// millisecond where computing it takes tens. A file that was not made for exactly this model, library and
// settings is not used, nor one that others than its owner could have written.
#pragma once

#include "base/error.h"
#include "engine/fingerprint.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace vb::engine {

struct SavedPrefix {
    std::vector<std::int32_t> tokens;
    std::vector<std::uint8_t> state; // as libllama wrote it
};

// The bytes of a file, and back. A refusal says what was found and what was expected.
std::vector<std::byte> encode_prefix(const SavedPrefix& prefix, const Fingerprint& fingerprint);
std::expected<SavedPrefix, base::Text<255>> decode_prefix(std::span<const std::byte> file,
                                                          const Fingerprint& fingerprint);

class PrefixFile {
  public:
    PrefixFile(const std::string& directory, std::string_view model_name, const Fingerprint& fingerprint);

    const std::string& path() const noexcept { return path_; }
    // Nothing where there is no file.
    base::Result<std::optional<SavedPrefix>> load() const;
    // Makes the directory where only that is missing. The file is replaced as a whole or left as it was.
    base::Result<> save(const SavedPrefix& prefix) const;

  private:
    std::string directory_;
    std::string path_;
    Fingerprint fingerprint_;
};

} // namespace vb::engine
