// The key-value pairs of a GGUF header: read with bounds, found by name, and checked for what libllama needs.
#pragma once

#include "engine/gguf_check.h"
#include "engine/gguf_reader.h"

#include <gguf.h>

#include <span>
#include <vector>

namespace vb::engine {

struct GgufPair {
    std::string_view key;
    gguf_type type = GGUF_TYPE_COUNT;
    std::uint64_t offset = 0;            // of the value; of the elements for an array
    std::string_view text;               // of a string
    std::uint64_t integer = 0;           // of an integer, sign-extended
    double number = 0;                   // of a float
    gguf_type element = GGUF_TYPE_COUNT; // of an array
    std::uint64_t count = 0;             // of an array
};

class GgufMetadata {
  public:
    // Reads `count` pairs. False: the reader has the refusal.
    bool read(GgufReader& reader, std::uint64_t count);
    // Checks the pairs that were read for what libllama would stumble over, and fills in the summary.
    bool check(GgufReader& reader, GgufSummary& summary) const;
    std::uint64_t alignment() const { return alignment_; }

  private:
    bool read_pair(GgufReader& reader, GgufPair& pair);
    bool read_array(GgufReader& reader, GgufPair& pair, const std::string& field);
    bool check_alignment(GgufReader& reader);
    bool check_architecture(GgufReader& reader, GgufSummary& summary) const;
    bool check_state_space(GgufReader& reader, const std::string& architecture) const;
    bool check_epsilons(GgufReader& reader) const;
    bool check_tokenizer(GgufReader& reader, GgufSummary& summary) const;
    bool check_tokens(GgufReader& reader, const GgufPair& tokens, GgufSummary& summary) const;
    bool check_merges(GgufReader& reader) const;
    // The range of an integer that may be missing.
    bool check_range(GgufReader& reader, std::string_view key, std::uint64_t least, std::uint64_t most) const;
    // An array that goes with the tokens and may be missing, or longer.
    bool check_per_token(GgufReader& reader, std::string_view key, std::span<const gguf_type> elements,
                         std::uint64_t tokens) const;
    // In gguf_sizes.cpp.
    void add_sizes(const GgufReader& reader, GgufSummary& summary) const;
    std::uint64_t number(std::string_view key, std::uint64_t otherwise) const;
    std::uint64_t number_of_layer(const GgufReader& reader, std::string_view key, std::uint64_t layer,
                                  std::uint64_t otherwise) const;
    const GgufPair* find(std::string_view key) const;
    // Null, and refused, when the key is missing or has another type.
    const GgufPair* required(GgufReader& reader, std::string_view key, gguf_type type) const;

    std::vector<GgufPair> pairs_;
    std::uint64_t alignment_ = GGUF_DEFAULT_ALIGNMENT;
};

} // namespace vb::engine
