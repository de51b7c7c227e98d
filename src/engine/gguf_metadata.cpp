#include "engine/gguf_metadata.h"

#include "engine/distinct_texts.h"

#include <llama.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>

namespace vb::engine {
namespace {

// Far above every real file, far below what would cost time or memory to refuse.
constexpr std::uint64_t longest_key = 65535;
constexpr std::uint64_t longest_chat_template = std::uint64_t{1} << 20;
constexpr std::uint64_t largest_alignment = std::uint64_t{1} << 20;
constexpr std::uint64_t most_tokens = std::uint64_t{1} << 22;
constexpr std::uint64_t most_blocks = 512; // libllama's own bound: it aborts above
constexpr std::uint64_t largest_31_bits = (std::uint64_t{1} << 31) - 1;
constexpr std::uint64_t largest_32_bits = (std::uint64_t{1} << 32) - 1;

constexpr std::size_t size_of(gguf_type type) {
    switch (type) {
    case GGUF_TYPE_UINT8:
    case GGUF_TYPE_INT8:
    case GGUF_TYPE_BOOL:
        return 1;
    case GGUF_TYPE_UINT16:
    case GGUF_TYPE_INT16:
        return 2;
    case GGUF_TYPE_UINT32:
    case GGUF_TYPE_INT32:
    case GGUF_TYPE_FLOAT32:
        return 4;
    default:
        return 8; // 64-bit numbers, and the length of a string, its smallest form
    }
}

constexpr bool is_integer(gguf_type type) {
    return type <= GGUF_TYPE_INT32 || type == GGUF_TYPE_UINT64 || type == GGUF_TYPE_INT64;
}
constexpr bool is_signed(gguf_type type) {
    return type == GGUF_TYPE_INT8 || type == GGUF_TYPE_INT16 || type == GGUF_TYPE_INT32 ||
           type == GGUF_TYPE_INT64;
}

std::string quoted(std::string_view text) {
    constexpr std::size_t enough = 80;
    std::string out = "\"";
    for (const char character : text.substr(0, enough)) {
        out += character < 0x20 || character > 0x7e ? '?' : character; // for a terminal, from an unknown file
    }
    return out += text.size() > enough ? "...\"" : "\"";
}

template <class Number>
bool read_integer(GgufReader& reader, std::string_view field, std::uint64_t& value) {
    Number number{};
    if (!reader.read(field, number)) { return false; }
    // By way of a signed type, so that a negative number becomes huge and is out of every range.
    value = static_cast<std::uint64_t>(static_cast<std::int64_t>(number));
    return true;
}

template <class Number>
bool read_float(GgufReader& reader, std::string_view field, double& value) {
    Number number{};
    if (!reader.read(field, number)) { return false; }
    value = static_cast<double>(number);
    return true;
}

bool read_type(GgufReader& reader, const std::string& field, gguf_type& type) {
    const std::uint64_t offset = reader.offset();
    std::int32_t number = 0;
    if (!reader.read(field, number)) { return false; }
    if (number < 0 || number >= GGUF_TYPE_COUNT) {
        return reader.refuse(offset, field, std::to_string(number), "0 to 12");
    }
    type = static_cast<gguf_type>(number);
    return true;
}

// libllama's strings end at the first NUL, so that is what it compares.
std::string_view up_to_nul(std::string_view text) { return text.substr(0, text.find('\0')); }

} // namespace

bool GgufMetadata::read(GgufReader& reader, std::uint64_t count) {
    pairs_.reserve(count);
    DistinctTexts keys(count);
    for (std::uint64_t index = 0; index < count; ++index) {
        const std::string field = "key " + std::to_string(index);
        GgufPair pair;
        const std::uint64_t offset = reader.offset();
        if (!reader.read_text(field, pair.key)) { return false; }
        if (pair.key.empty() || pair.key.size() > longest_key) {
            return reader.refuse(offset, "length of " + field, std::to_string(pair.key.size()), "1 to 65535");
        }
        if (pair.key.contains('\0')) {
            return reader.refuse(offset + 8, field, quoted(pair.key) + " with a NUL", "text without");
        }
        if (keys.add(pair.key) != index) {
            return reader.refuse(offset + 8, field, quoted(pair.key) + " once more", "every key only once");
        }
        if (!read_pair(reader, pair)) { return false; }
        pairs_.push_back(pair);
    }
    return check_alignment(reader);
}

bool GgufMetadata::read_pair(GgufReader& reader, GgufPair& pair) {
    const std::string field = "value of " + quoted(pair.key);
    if (!read_type(reader, "type of " + quoted(pair.key), pair.type)) { return false; }
    pair.offset = reader.offset();
    switch (pair.type) {
    case GGUF_TYPE_UINT8:
        return read_integer<std::uint8_t>(reader, field, pair.integer);
    case GGUF_TYPE_INT8:
        return read_integer<std::int8_t>(reader, field, pair.integer);
    case GGUF_TYPE_UINT16:
        return read_integer<std::uint16_t>(reader, field, pair.integer);
    case GGUF_TYPE_INT16:
        return read_integer<std::int16_t>(reader, field, pair.integer);
    case GGUF_TYPE_UINT32:
        return read_integer<std::uint32_t>(reader, field, pair.integer);
    case GGUF_TYPE_INT32:
        return read_integer<std::int32_t>(reader, field, pair.integer);
    case GGUF_TYPE_UINT64:
        return read_integer<std::uint64_t>(reader, field, pair.integer);
    case GGUF_TYPE_INT64:
        return read_integer<std::int64_t>(reader, field, pair.integer);
    case GGUF_TYPE_BOOL:
        if (!read_integer<std::uint8_t>(reader, field, pair.integer)) { return false; }
        if (pair.integer <= 1) { return true; }
        return reader.refuse(pair.offset, field, std::to_string(pair.integer), "0 or 1");
    case GGUF_TYPE_STRING:
        return reader.read_text(field, pair.text);
    case GGUF_TYPE_ARRAY:
        return read_array(reader, pair, field);
    case GGUF_TYPE_FLOAT32:
        return read_float<float>(reader, field, pair.number);
    case GGUF_TYPE_FLOAT64:
        return read_float<double>(reader, field, pair.number);
    default:
        return reader.skip(field, size_of(pair.type));
    }
}

bool GgufMetadata::read_array(GgufReader& reader, GgufPair& pair, const std::string& field) {
    if (!read_type(reader, "element type of " + quoted(pair.key), pair.element)) { return false; }
    if (pair.element == GGUF_TYPE_ARRAY) {
        return reader.refuse(pair.offset, "element type of " + quoted(pair.key), "array",
                             "no array of arrays");
    }
    const std::uint64_t count_offset = reader.offset();
    if (!reader.read("length of " + quoted(pair.key), pair.count)) { return false; }
    const std::uint64_t most = reader.remaining() / size_of(pair.element);
    if (pair.count > most) {
        return reader.refuse(count_offset, "length of " + quoted(pair.key), std::to_string(pair.count),
                             "at most " + std::to_string(most) + ", which is what fits in the file");
    }
    pair.offset = reader.offset();
    if (pair.element != GGUF_TYPE_STRING) { return reader.skip(field, pair.count * size_of(pair.element)); }
    std::string_view text;
    for (std::uint64_t index = 0; index < pair.count; ++index) {
        // The field's name alone is passed on: to name the element would cost an allocation for each.
        if (!reader.read_text(field, text)) { return false; }
    }
    return true;
}

const GgufPair* GgufMetadata::find(std::string_view key) const {
    const auto found = std::ranges::find(pairs_, key, &GgufPair::key);
    return found == pairs_.end() ? nullptr : &*found;
}

const GgufPair* GgufMetadata::required(GgufReader& reader, std::string_view key, gguf_type type) const {
    const GgufPair* const pair = find(key);
    if (pair == nullptr) {
        reader.refuse(reader.offset(), "key " + quoted(key), "missing", gguf_type_name(type));
        return nullptr;
    }
    if (pair->type != type) {
        reader.refuse(pair->offset, "type of " + quoted(key), gguf_type_name(pair->type),
                      gguf_type_name(type));
        return nullptr;
    }
    return pair;
}

bool GgufMetadata::check_alignment(GgufReader& reader) {
    const GgufPair* const pair = find(GGUF_KEY_GENERAL_ALIGNMENT);
    if (pair == nullptr) { return true; }
    const bool power_of_two = pair->integer != 0 && (pair->integer & (pair->integer - 1)) == 0;
    if (pair->type != GGUF_TYPE_UINT32 || !power_of_two || pair->integer > largest_alignment) {
        const bool other = pair->type != GGUF_TYPE_UINT32;
        return reader.refuse(pair->offset, "general.alignment",
                             other ? gguf_type_name(pair->type) : std::to_string(pair->integer),
                             "a power of two in a u32, at most 1048576");
    }
    alignment_ = pair->integer;
    return true;
}

bool GgufMetadata::check_range(GgufReader& reader, std::string_view key, std::uint64_t least,
                               std::uint64_t most) const {
    const GgufPair* const pair = find(key);
    // Some models have one number for each layer; libllama checks those arrays without harm.
    if (pair == nullptr || pair->type == GGUF_TYPE_ARRAY) { return true; }
    const std::string range = std::to_string(least) + " to " + std::to_string(most);
    if (!is_integer(pair->type)) {
        return reader.refuse(pair->offset, "type of " + quoted(key), gguf_type_name(pair->type),
                             "an integer");
    }
    if (pair->integer >= least && pair->integer <= most) { return true; }
    const std::string found = is_signed(pair->type) ? std::to_string(static_cast<std::int64_t>(pair->integer))
                                                    : std::to_string(pair->integer);
    return reader.refuse(pair->offset, "value of " + quoted(key), found, range);
}

bool GgufMetadata::check(GgufReader& reader, GgufSummary& summary) const {
    if (const GgufPair* const count = find("split.count"); count != nullptr && is_integer(count->type)) {
        if (count->integer > 1) {
            return reader.refuse(count->offset, "value of \"split.count\"", std::to_string(count->integer),
                                 "a model in one file (join the parts with llama-gguf-split --merge)");
        }
    }
    if (!check_architecture(reader, summary) || !check_epsilons(reader) ||
        !check_tokenizer(reader, summary)) {
        return false;
    }
    add_sizes(reader, summary);
    return true;
}

bool GgufMetadata::check_architecture(GgufReader& reader, GgufSummary& summary) const {
    const GgufPair* const architecture = required(reader, "general.architecture", GGUF_TYPE_STRING);
    if (architecture == nullptr) { return false; }
    const auto of_a_name = [](char character) {
        return (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9') ||
               character == '-' || character == '_' || character == '.';
    };
    if (architecture->text.empty() || architecture->text.size() > 64 ||
        !std::ranges::all_of(architecture->text, of_a_name)) {
        return reader.refuse(architecture->offset, "general.architecture", quoted(architecture->text),
                             "a name of up to 64 lower-case letters, digits, '-', '_' and '.'");
    }
    summary.architecture = architecture->text;
    const std::string prefix = summary.architecture + ".";
    if (required(reader, prefix + "block_count", GGUF_TYPE_UINT32) == nullptr) { return false; }
    return check_range(reader, prefix + "block_count", 1, most_blocks) &&
           check_range(reader, prefix + "context_length", 0, largest_32_bits) &&
           check_range(reader, prefix + "embedding_length", 1, largest_31_bits) &&
           check_range(reader, prefix + "feed_forward_length", 0, largest_31_bits) &&
           check_range(reader, prefix + "attention.head_count", 0, 65535) &&
           check_range(reader, prefix + "attention.head_count_kv", 0, 65535) &&
           check_range(reader, prefix + "rope.dimension_count", 0, largest_31_bits) &&
           check_range(reader, prefix + "vocab_size", 0, largest_31_bits) &&
           check_range(reader, prefix + "pooling_type", 0, LLAMA_POOLING_TYPE_RANK) &&
           check_state_space(reader, summary.architecture);
}

// libllama asserts what this one architecture is built on.
bool GgufMetadata::check_state_space(GgufReader& reader, const std::string& architecture) const {
    const GgufPair* const width = find(architecture + ".embedding_length");
    const GgufPair* const inner = find(architecture + ".ssm.inner_size");
    if (architecture != "jamba" || width == nullptr || inner == nullptr) { return true; }
    if (inner->integer == 2 * width->integer) { return true; }
    return reader.refuse(inner->offset, "value of " + quoted(inner->key), std::to_string(inner->integer),
                         std::to_string(2 * width->integer) + ", twice the embedding_length");
}

// What is added before a square root.
bool GgufMetadata::check_epsilons(GgufReader& reader) const {
    for (const GgufPair& pair : pairs_) {
        const bool is_float = pair.type == GGUF_TYPE_FLOAT32 || pair.type == GGUF_TYPE_FLOAT64;
        if (!is_float || !pair.key.ends_with("epsilon")) { continue; }
        if (!std::isfinite(pair.number) || pair.number < 0) {
            return reader.refuse(pair.offset, "value of " + quoted(pair.key), std::to_string(pair.number),
                                 "0 or more");
        }
    }
    return true;
}

bool GgufMetadata::check_tokenizer(GgufReader& reader, GgufSummary& summary) const {
    const GgufPair* const model = required(reader, "tokenizer.ggml.model", GGUF_TYPE_STRING);
    if (model == nullptr) { return false; }
    summary.tokenizer = model->text;
    if (!summary.has_vocabulary()) {
        summary.token_count = number(summary.architecture + ".vocab_size", 0);
        return true;
    }
    const GgufPair* const tokens = required(reader, "tokenizer.ggml.tokens", GGUF_TYPE_ARRAY);
    if (tokens == nullptr || !check_tokens(reader, *tokens, summary)) { return false; }
    summary.token_count = tokens->count;
    constexpr std::array numbers{GGUF_TYPE_FLOAT32, GGUF_TYPE_INT32};
    if (!check_per_token(reader, "tokenizer.ggml.scores", numbers, tokens->count) ||
        !check_per_token(reader, "tokenizer.ggml.token_type", std::span(numbers).last(1), tokens->count) ||
        !check_merges(reader)) {
        return false;
    }
    const GgufPair* const chat_template = find("tokenizer.chat_template");
    if (chat_template == nullptr || chat_template->type != GGUF_TYPE_STRING) { return true; }
    if (chat_template->text.size() > longest_chat_template) {
        return reader.refuse(chat_template->offset, "length of \"tokenizer.chat_template\"",
                             std::to_string(chat_template->text.size()), "at most 1048576");
    }
    summary.chat_template = chat_template->text;
    return true;
}

// Equal token texts make libllama abort.
bool GgufMetadata::check_tokens(GgufReader& reader, const GgufPair& tokens, GgufSummary& summary) const {
    constexpr std::string_view field = "tokenizer.ggml.tokens";
    if (tokens.element != GGUF_TYPE_STRING) {
        return reader.refuse(tokens.offset, field,
                             std::string("an array of ") + gguf_type_name(tokens.element), "an array of str");
    }
    if (tokens.count == 0 || tokens.count > most_tokens) {
        return reader.refuse(tokens.offset, field, std::to_string(tokens.count) + " tokens",
                             "1 to " + std::to_string(most_tokens));
    }
    DistinctTexts texts(tokens.count);
    std::deque<std::string> substitutes; // stay where they are, because `texts` keeps views
    GgufReader elements = reader.at(tokens.offset);
    for (std::uint64_t index = 0; index < tokens.count; ++index) {
        const std::uint64_t offset = elements.offset();
        std::string_view text;
        if (!elements.read_text(field, text)) { return reader.refuse(offset, field, "unreadable", "text"); }
        text = up_to_nul(text);
        summary.longest_token = std::max<std::uint64_t>(summary.longest_token, text.size());
        // libllama gives empty tokens this text, so they may repeat.
        if (text.empty()) { text = substitutes.emplace_back("[EMPTY_" + std::to_string(index) + "]"); }
        if (const std::size_t first = texts.add(text); first != index) {
            return reader.refuse(offset, "token " + std::to_string(index),
                                 quoted(text) + ", the same as token " + std::to_string(first),
                                 "every token only once");
        }
    }
    return true;
}

bool GgufMetadata::check_merges(GgufReader& reader) const {
    constexpr std::string_view field = "tokenizer.ggml.merges";
    const GgufPair* const merges = find(field);
    if (merges == nullptr || (merges->type == GGUF_TYPE_ARRAY && merges->element == GGUF_TYPE_STRING)) {
        return true;
    }
    return reader.refuse(merges->offset, field, "not an array of str", "an array of str");
}

bool GgufMetadata::check_per_token(GgufReader& reader, std::string_view key,
                                   std::span<const gguf_type> elements, std::uint64_t tokens) const {
    const GgufPair* const pair = find(key);
    if (pair == nullptr) { return true; }
    if (pair->type != GGUF_TYPE_ARRAY || !std::ranges::contains(elements, pair->element)) {
        const gguf_type found = pair->type == GGUF_TYPE_ARRAY ? pair->element : pair->type;
        return reader.refuse(pair->offset, "type of " + quoted(key), gguf_type_name(found),
                             std::string("an array of ") + gguf_type_name(elements.front()));
    }
    if (pair->count >= tokens) { return true; }
    return reader.refuse(pair->offset, "length of " + quoted(key), std::to_string(pair->count),
                         "at least " + std::to_string(tokens) + ", as many as there are tokens");
}

} // namespace vb::engine
