#include "engine/schema.h"

#include <array>
#include <limits>
#include <stdexcept>

namespace vb::engine {
namespace {

// The bytes of all tokens one after the other, and how many each has. Control tokens get the mark 0xFF, by which
// llguidance knows that they never are part of a text.
struct TokenBytes {
    std::vector<std::uint32_t> lengths;
    std::string bytes;
};

std::string piece(const llama_vocab* vocabulary, Token token, bool special) {
    std::string text(64, '\0');
    const auto run = [&] {
        return llama_token_to_piece(vocabulary, token, text.data(), static_cast<std::int32_t>(text.size()), 0,
                                    special);
    };
    std::int32_t size = run();
    if (size < 0) {
        text.resize(static_cast<std::size_t>(-size));
        size = run();
    }
    text.resize(static_cast<std::size_t>(std::max(size, 0)));
    return text;
}

TokenBytes token_bytes(const llama_vocab* vocabulary) {
    TokenBytes all;
    const Token count = llama_vocab_n_tokens(vocabulary);
    all.lengths.reserve(static_cast<std::size_t>(count));
    for (Token token = 0; token < count; ++token) {
        const std::string text = piece(vocabulary, token, false);
        const std::string bytes = text.empty() ? "\xFF" + piece(vocabulary, token, true) : text;
        all.lengths.push_back(static_cast<std::uint32_t>(bytes.size()));
        all.bytes += bytes;
    }
    return all;
}

std::size_t tokenize_bytes(const void* vocabulary, const std::uint8_t* bytes, std::size_t size,
                           std::uint32_t* tokens, std::size_t capacity) {
    const std::int32_t count =
        llama_tokenize(static_cast<const llama_vocab*>(vocabulary), reinterpret_cast<const char*>(bytes),
                       static_cast<std::int32_t>(size), reinterpret_cast<Token*>(tokens),
                       static_cast<std::int32_t>(capacity), false, false);
    return static_cast<std::size_t>(count < 0 ? -count : count);
}

std::vector<LlgToken> ending_tokens(const llama_vocab* vocabulary) {
    std::vector<LlgToken> all;
    for (Token token = 0; token < llama_vocab_n_tokens(vocabulary); ++token) {
        if (llama_vocab_is_eog(vocabulary, token)) { all.push_back(static_cast<LlgToken>(token)); }
    }
    return all;
}

} // namespace

// A model may like white space too much and never come to the end: between two parts of the answer goes at most a
// space, or a line end or two and an indentation. llguidance takes it from the schema itself, and the last of two
// members of a name; what is no object stays as it is.
std::string with_bounded_white_space(std::string schema) {
    constexpr std::string_view bound =
        R"("x-guidance":{"whitespace_pattern":"\\x20|(\\x0D?\\x0A){1,2}[\\x20\\x09]{0,32}"})";
    constexpr std::string_view white_space = " \t\r\n";
    const std::size_t begin = schema.find_first_not_of(white_space);
    const std::size_t end = schema.find_last_not_of(white_space);
    if (begin == std::string::npos || begin == end || schema[begin] != '{' || schema[end] != '}') {
        return schema;
    }
    const bool is_empty = schema.find_first_not_of(white_space, begin + 1) == end;
    return schema.insert(end, (is_empty ? "" : ",") + std::string(bound));
}

Result<const LlgTokenizer*> SchemaVocabulary::tokenizer() {
    if (tokenizer_) { return tokenizer_.get(); }
    const TokenBytes bytes = token_bytes(vocabulary_);
    const std::vector<LlgToken> ending = ending_tokens(vocabulary_);
    if (ending.empty()) { return refuse("schema: the model has no token that ends an answer"); }
    LlgTokenizerInitV2 init{};
    init.struct_size = sizeof init;
    init.vocab_size = static_cast<std::uint32_t>(bytes.lengths.size());
    init.tok_eos = ending.front();
    init.token_lens = bytes.lengths.data();
    init.token_bytes = reinterpret_cast<const std::uint8_t*>(bytes.bytes.data());
    init.tokenize_assumes_string = true;
    init.tokenize_fn = tokenize_bytes;
    init.tokenize_user_data = vocabulary_;
    init.tok_eos_extra = ending.data() + 1;
    init.tok_eos_extra_count = static_cast<std::uint32_t>(ending.size() - 1);
    std::array<char, 512> reason{};
    tokenizer_.reset(llg_new_tokenizer_v2(&init, reason.data(), reason.size()));
    if (tokenizer_) { return tokenizer_.get(); }
    return std::unexpected(Error{Fault::internal, std::string("schema: the vocabulary: ") + reason.data()});
}

Result<Schema> Schema::create(SchemaVocabulary& vocabulary, const char* kind, const std::string& text,
                              std::string_view what) {
    const auto tokenizer = vocabulary.tokenizer();
    if (!tokenizer) { return std::unexpected(tokenizer.error()); }
    LlgConstraintInit init{};
    llg_constraint_init_set_defaults(&init, *tokenizer);
    init.log_stderr_level = 0; // a library says nothing there
    init.limits.verbose_errors = false;
    Matcher matcher(llg_new_matcher(&init, kind, text.c_str()));
    if (const char* const reason = llg_matcher_get_error(matcher.get())) {
        return refuse(std::string(what) + ": " + reason);
    }
    return Schema(std::move(matcher));
}

Result<Schema> Schema::create(SchemaVocabulary& vocabulary, const std::string& text) {
    return create(vocabulary, "json_schema", with_bounded_white_space(text), "schema");
}

Result<Schema> Schema::of_grammar(SchemaVocabulary& vocabulary, const std::string& grammar,
                                  std::string_view what, std::string_view begun) {
    auto schema = create(vocabulary, "lark", grammar, what);
    if (!schema || begun.empty()) { return schema; }
    const LlgTokenizer* const tokenizer = vocabulary.tokenizer().value();
    std::vector<std::uint32_t> tokens(begun.size());
    tokens.resize(llg_tokenize_bytes(tokenizer, reinterpret_cast<const std::uint8_t*>(begun.data()),
                                     begun.size(), tokens.data(), tokens.size()));
    if (llg_matcher_consume_tokens(schema->matcher_.get(), tokens.data(), tokens.size()) == 0) {
        return schema;
    }
    return refuse(std::string(what) + ": the answer has left its grammar");
}

void Schema::mask(std::span<llama_token_data> candidates) {
    if (llg_matcher_compute_mask(matcher_.get()) != 0) {
        throw std::runtime_error(llg_matcher_get_error(matcher_.get()));
    }
    const std::span<const std::uint32_t> bits(llg_matcher_get_mask(matcher_.get()),
                                              llg_matcher_get_mask_byte_size(matcher_.get()) /
                                                  sizeof(std::uint32_t));
    for (llama_token_data& candidate : candidates) {
        const auto token = static_cast<std::uint32_t>(candidate.id);
        if ((bits[token / 32] >> (token % 32) & 1U) == 0) {
            candidate.logit = -std::numeric_limits<float>::infinity();
        }
    }
}

void Schema::accept(Token token) {
    if (llg_matcher_is_stopped(matcher_.get())) {
        return;
    } // it is complete: the token is one that ends the answer
    if (llg_matcher_consume_token(matcher_.get(), static_cast<std::uint32_t>(token)) != 0) {
        throw std::runtime_error(llg_matcher_get_error(matcher_.get()));
    }
}

} // namespace vb::engine
