// What a context has computed of some tokens, kept in a file: the beginning of every prompt for the next start, or a
// conversation. Restoring it takes milliseconds where computing it takes seconds. A file that was not made for
// exactly this model, library and settings is not used, nor one that others than its owner could have written.
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

struct SavedState {
    std::vector<std::int32_t> tokens;
    std::vector<std::uint8_t> state; // as libllama wrote it
    std::string text{};              // the messages of a conversation; empty: it is none
};

// The bytes of a file, and back. A refusal says what was found and what was expected.
std::vector<std::byte> encode_state(const SavedState& saved, const Fingerprint& fingerprint);
std::expected<SavedState, base::Text<255>> decode_state(std::span<const std::byte> file,
                                                        const Fingerprint& fingerprint);

class StateFile {
  public:
    StateFile(std::string path, const Fingerprint& fingerprint)
        : path_(std::move(path)), fingerprint_(fingerprint) {}

    const std::string& path() const noexcept { return path_; }
    // Nothing where there is no file.
    base::Result<std::optional<SavedState>> load() const;
    // The file is replaced as a whole or left as it was. A conversation can be read by its owner only.
    base::Result<> save(const SavedState& saved) const;

  private:
    std::string path_;
    Fingerprint fingerprint_;
};

} // namespace vb::engine
