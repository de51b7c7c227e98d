// Writes GGUF files in memory, right or wrong on purpose, and remembers where each number of the header lies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vb::test {

struct Field {
    std::string name;
    std::size_t offset;
    std::size_t size; // bytes: 1, 2, 4 or 8
};

class GgufBuilder {
  public:
    explicit GgufBuilder(std::uint32_t version = 3) {
        bytes_.append("GGUF");
        number("version", version);
        number("tensor count", std::uint64_t{0});
        number("key count", std::uint64_t{0});
    }

    void text_pair(std::string_view key, std::string_view value) {
        begin_pair(key, 8);
        text(key, value);
    }
    void u32_pair(std::string_view key, std::uint32_t value) {
        begin_pair(key, 4);
        number(key, value);
    }
    void u16_pair(std::string_view key, std::uint16_t value) {
        begin_pair(key, 2);
        number(key, value);
    }
    void i32_pair(std::string_view key, std::int32_t value) {
        begin_pair(key, 5);
        number(key, value);
    }
    void f32_pair(std::string_view key, float value) {
        begin_pair(key, 6);
        number(key, value);
    }
    void bool_pair(std::string_view key, std::uint8_t value) {
        begin_pair(key, 7);
        number(key, value);
    }
    void texts_pair(std::string_view key, const std::vector<std::string>& values) {
        begin_array(key, 8, values.size());
        for (const std::string& value : values) {
            text(key, value);
        }
    }
    template <class Number>
    void numbers_pair(std::string_view key, std::int32_t element_type, const std::vector<Number>& values) {
        begin_array(key, element_type, values.size());
        for (const Number value : values) {
            number(key, value);
        }
    }
    void begin_pair(std::string_view key, std::int32_t type) {
        ++pairs_;
        put(16, pairs_);
        text("key", key);
        number("type", type);
    }
    void begin_array(std::string_view key, std::int32_t element_type, std::uint64_t count) {
        begin_pair(key, 9);
        number("element type", element_type);
        number("array length", count);
    }

    // A tensor of f32, placed after the one before.
    void tensor(std::string_view name, const std::vector<std::int64_t>& dimensions) {
        std::uint64_t elements = 1;
        for (const std::int64_t size : dimensions) {
            elements *= static_cast<std::uint64_t>(size);
        }
        tensor(name, dimensions, 0, data_bytes_);
        data_bytes_ += (elements * 4 + alignment - 1) / alignment * alignment;
    }
    void tensor(std::string_view name, const std::vector<std::int64_t>& dimensions, std::int32_t type,
                std::uint64_t offset) {
        ++tensors_;
        put(8, tensors_);
        text("tensor name", name);
        number("dimension count", static_cast<std::uint32_t>(dimensions.size()));
        for (const std::int64_t size : dimensions) {
            number("dimension", size);
        }
        number("tensor type", type);
        number("tensor offset", offset);
    }

    template <class Number>
    void number(std::string_view name, Number value) {
        fields_.push_back({std::string(name), bytes_.size(), sizeof value});
        bytes_.resize(bytes_.size() + sizeof value);
        put(bytes_.size() - sizeof value, value);
    }
    void text(std::string_view name, std::string_view value) {
        number(std::string(name) + " size", std::uint64_t{value.size()});
        bytes_.append(value);
    }
    template <class Number>
    void put(std::size_t offset, Number value) {
        std::memcpy(bytes_.data() + offset, &value, sizeof value);
    }

    std::size_t header_size() const { return bytes_.size(); }
    const std::vector<Field>& fields() const { return fields_; }
    const std::string& header() const { return bytes_; }
    std::size_t file_size() const {
        return (bytes_.size() + alignment - 1) / alignment * alignment + data_bytes_;
    }
    // The file: the header, padding, and zeros as tensor data.
    std::string file() const {
        std::string file = bytes_;
        file.resize(file_size());
        return file;
    }

    std::uint64_t alignment = 32;

  private:
    std::string bytes_;
    std::vector<Field> fields_;
    std::uint64_t pairs_ = 0;
    std::uint64_t tensors_ = 0;
    std::uint64_t data_bytes_ = 0;
};

inline std::span<const std::byte> as_bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

// What changes from the smallest model that libllama loads.
struct Variation {
    std::uint32_t version = 3;
    std::uint32_t alignment = 0;          // 0: leave the key out
    std::vector<std::string> tokens = {}; // empty: ten of them
    std::vector<std::string> merges = {"a b", "ab c"};
    bool vocabulary_size = true;
};

// A llama of one layer, width 32, ten tokens; all weights zero.
inline GgufBuilder smallest_model(Variation variation = {}) {
    GgufBuilder builder(variation.version);
    if (variation.tokens.empty()) {
        variation.tokens = {"a", "b", "c", "ab", "abc", "d", "e", "f", "<s>", "</s>"};
    }
    const auto token_count = static_cast<std::uint32_t>(variation.tokens.size());
    builder.text_pair("general.architecture", "llama");
    if (variation.alignment != 0) {
        builder.u32_pair("general.alignment", variation.alignment);
        builder.alignment = variation.alignment;
    }
    builder.u32_pair("llama.block_count", 1);
    builder.u32_pair("llama.context_length", 512);
    builder.u32_pair("llama.embedding_length", 32);
    builder.u32_pair("llama.feed_forward_length", 32);
    builder.u32_pair("llama.attention.head_count", 2);
    builder.u32_pair("llama.attention.head_count_kv", 1);
    builder.u32_pair("llama.rope.dimension_count", 16);
    builder.f32_pair("llama.attention.layer_norm_rms_epsilon", 1e-5F);
    if (variation.vocabulary_size) { builder.u32_pair("llama.vocab_size", token_count); }
    builder.text_pair("tokenizer.ggml.model", "gpt2");
    builder.text_pair("tokenizer.ggml.pre", "gpt-2");
    builder.texts_pair("tokenizer.ggml.tokens", variation.tokens);
    std::vector<std::int32_t> types(token_count, 1);
    builder.numbers_pair("tokenizer.ggml.token_type", 5, types);
    builder.numbers_pair("tokenizer.ggml.scores", 6, std::vector<float>(token_count, 0.0F));
    builder.texts_pair("tokenizer.ggml.merges", variation.merges);
    builder.u32_pair("tokenizer.ggml.bos_token_id", 8);
    builder.u32_pair("tokenizer.ggml.eos_token_id", 9);
    builder.bool_pair("tokenizer.ggml.add_bos_token", 0);
    builder.tensor("token_embd.weight", {32, token_count});
    builder.tensor("output_norm.weight", {32});
    builder.tensor("blk.0.attn_norm.weight", {32});
    builder.tensor("blk.0.attn_q.weight", {32, 32});
    builder.tensor("blk.0.attn_k.weight", {32, 16});
    builder.tensor("blk.0.attn_v.weight", {32, 16});
    builder.tensor("blk.0.attn_output.weight", {32, 32});
    builder.tensor("blk.0.ffn_norm.weight", {32});
    builder.tensor("blk.0.ffn_gate.weight", {32, 32});
    builder.tensor("blk.0.ffn_up.weight", {32, 32});
    builder.tensor("blk.0.ffn_down.weight", {32, 32});
    return builder;
}

} // namespace vb::test
