// What of the key-value pairs says how much memory a model needs.
#include "engine/gguf_metadata.h"

#include <algorithm>

namespace vb::engine {
namespace {

// Beyond these a header is nonsense, which libllama tells; they keep products within 64 bits.
constexpr std::uint64_t most_heads = std::uint64_t{1} << 16;
constexpr std::uint64_t longest_head = std::uint64_t{1} << 20;

} // namespace

std::uint64_t GgufMetadata::number(std::string_view key, std::uint64_t otherwise) const {
    const GgufPair* const pair = find(key);
    return pair != nullptr && pair->type == GGUF_TYPE_UINT32 ? pair->integer : otherwise;
}

// Some numbers are one for all layers, or an array with one for each.
std::uint64_t GgufMetadata::number_of_layer(const GgufReader& reader, std::string_view key,
                                            std::uint64_t layer, std::uint64_t otherwise) const {
    const GgufPair* const pair = find(key);
    if (pair == nullptr || pair->type != GGUF_TYPE_ARRAY) { return number(key, otherwise); }
    const bool is_known = pair->element == GGUF_TYPE_UINT32 || pair->element == GGUF_TYPE_INT32;
    if (!is_known || layer >= pair->count) { return otherwise; }
    std::uint32_t value = 0;
    return reader.at(pair->offset + layer * sizeof value).read(key, value) ? value : otherwise;
}

void GgufMetadata::add_sizes(const GgufReader& reader, GgufSummary& summary) const {
    const std::string prefix = summary.architecture + '.';
    summary.context_length = number(prefix + "context_length", 0);
    summary.window = number(prefix + "attention.sliding_window", 0);
    const std::uint64_t embedding = number(prefix + "embedding_length", 0);
    summary.width = embedding + number_of_layer(reader, prefix + "feed_forward_length", 0, 0);

    const GgufPair* const causal = find(prefix + "attention.causal");
    const bool remembers = causal == nullptr || causal->integer != 0;
    const std::string kept_heads = prefix + "attention.head_count_kv";
    const GgufPair* const heads_of_layers = find(kept_heads);
    const bool is_of_layers = heads_of_layers != nullptr && heads_of_layers->type == GGUF_TYPE_ARRAY;
    const bool is_recurrent = std::ranges::any_of(pairs_, [&](const GgufPair& pair) {
        return pair.key.starts_with(prefix + "ssm.") || pair.key.starts_with(prefix + "wkv.") ||
               pair.key == prefix + "shortconv.l_cache";
    });
    // Where it does not say which layers remember with a state of one size, none are counted.
    if (!remembers || (is_recurrent && !is_of_layers)) { return; }
    const std::uint64_t compressed = number(prefix + "attention.kv_lora_rank", 0);
    const std::uint64_t layers = number(prefix + "block_count", 0);
    for (std::uint64_t layer = 0; layer < layers; ++layer) {
        const auto heads = number_of_layer(reader, prefix + "attention.head_count", layer, 0);
        const auto kept = std::min(number_of_layer(reader, kept_heads, layer, heads), most_heads);
        const std::uint64_t usual = heads == 0 ? 0 : embedding / heads;
        const auto both = std::min(number(prefix + "attention.key_length", usual), longest_head) +
                          std::min(number(prefix + "attention.value_length", usual), longest_head);
        constexpr std::uint64_t bytes = 2; // of a number, f16
        summary.cell_bytes += (compressed != 0 ? std::min(compressed, longest_head) : kept * both) * bytes;
    }
}

} // namespace vb::engine
