#include "engine/vocabulary.h"

#include <algorithm>
#include <limits>

namespace vb::engine {
namespace {

// libllama counts bytes and tokens in 31 bits; no context holds a prompt of this many bytes.
constexpr std::size_t longest_text = std::size_t{64} << 20;
constexpr std::size_t no_limit = std::numeric_limits<std::int32_t>::max();

std::unexpected<Error> refuse_length(const std::string& tokens, std::size_t limit) {
    return std::unexpected(Error{Fault::too_long, "the prompt has " + tokens +
                                                      " tokens, expected less than the context's " +
                                                      std::to_string(limit)});
}

// Where the tokenizer adds these tokens itself, the template's own would be the second.
std::string_view without_added_tokens(const Model& model, std::string_view text) {
    const SpecialTexts& special = model.special;
    const llama_vocab* const vocabulary = model.vocabulary();
    if (llama_vocab_get_add_bos(vocabulary) && !special.beginning.empty() &&
        text.starts_with(special.beginning)) {
        text.remove_prefix(special.beginning.size());
    }
    if (llama_vocab_get_add_eos(vocabulary) && !special.end.empty() && text.ends_with(special.end)) {
        text.remove_suffix(special.end.size());
    }
    return text;
}

Result<Tokens> checked(const Model& model, const Tokens& tokens) {
    const std::int32_t count = llama_vocab_n_tokens(model.vocabulary());
    const auto wrong =
        std::ranges::find_if(tokens, [count](Token token) { return token < 0 || token >= count; });
    if (wrong == tokens.end()) { return tokens; }
    return refuse("token " + std::to_string(*wrong) + " at " + std::to_string(wrong - tokens.begin()) +
                  ": expected 0 to " + std::to_string(count - 1));
}

} // namespace

Result<Tokens> tokenize(const Model& model, std::string_view text, bool special, std::size_t most) {
    if (text.size() > longest_text) {
        return refuse("the text has " + std::to_string(text.size()) + " bytes, expected at most " +
                      std::to_string(longest_text));
    }
    // Tokenizing takes seconds for megabytes, which no context holds anyway.
    const std::uint64_t least = text.size() / std::max<std::uint64_t>(model.longest_token, 1);
    if (least > most) { return refuse_length("at least " + std::to_string(least), most + 1); }
    const auto run = [&](Tokens& tokens) {
        return llama_tokenize(model.vocabulary(), text.data(), static_cast<std::int32_t>(text.size()),
                              tokens.data(), static_cast<std::int32_t>(tokens.size()), special, special);
    };
    Tokens tokens(text.size() / 2 + 16);
    std::int32_t count = run(tokens);
    if (count == std::numeric_limits<std::int32_t>::min()) { return refuse("the text has too many tokens"); }
    if (count < 0) {
        tokens.resize(static_cast<std::size_t>(-count));
        count = run(tokens);
    }
    tokens.resize(static_cast<std::size_t>(std::max(count, 0)));
    return tokens;
}

void append_piece(const Model& model, Token token, bool special, std::string& bytes) {
    constexpr std::size_t usual = 64;
    const std::size_t before = bytes.size();
    const auto run = [&](std::size_t room) {
        bytes.resize(before + room);
        return llama_token_to_piece(model.vocabulary(), token, bytes.data() + before,
                                    static_cast<std::int32_t>(room), 0, special);
    };
    std::int32_t size = run(usual);
    if (size < 0) { size = run(static_cast<std::size_t>(-size)); }
    bytes.resize(before + static_cast<std::size_t>(std::max(size, 0)));
}

Result<std::string> detokenize(const Model& model, std::span<const Token> tokens, bool special) {
    auto known = checked(model, {tokens.begin(), tokens.end()});
    if (!known) { return std::unexpected(std::move(known.error())); }
    const auto run = [&](std::string& text) {
        return llama_detokenize(model.vocabulary(), known->data(), static_cast<std::int32_t>(known->size()),
                                text.data(), static_cast<std::int32_t>(text.size()), false, special);
    };
    std::string text(known->size() * 8 + 16, '\0');
    std::int32_t size = run(text);
    if (size < 0) {
        text.resize(static_cast<std::size_t>(-size));
        size = run(text);
    }
    text.resize(static_cast<std::size_t>(std::max(size, 0)));
    return text;
}

void slide(Tokens& tokens, std::size_t limit) {
    const std::size_t first = std::min<std::size_t>(limit / 8, 64);
    const std::size_t newest = limit / 2 - first;
    tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(first),
                 tokens.end() - static_cast<std::ptrdiff_t>(newest));
}

Result<Tokens> prompt_tokens(const Model& model, const Prompt& prompt, std::size_t limit, bool slides) {
    const std::size_t most = slides ? no_limit : limit - 1;
    const auto read = [&]() -> Result<Tokens> {
        if (const auto* const tokens = std::get_if<Tokens>(&prompt)) { return checked(model, *tokens); }
        if (const auto* const text = std::get_if<std::string>(&prompt)) {
            return tokenize(model, *text, true, most);
        }
        const auto rendered = model.chat_template->render(std::get<Messages>(prompt), model.special);
        if (!rendered) { return std::unexpected(rendered.error()); }
        return tokenize(model, without_added_tokens(model, *rendered), true, most);
    };
    auto tokens = read();
    if (!tokens) { return tokens; }
    if (tokens->empty()) { return refuse("the prompt is empty"); }
    if (tokens->size() >= limit) {
        if (!slides) { return refuse_length(std::to_string(tokens->size()), limit); }
        slide(*tokens, limit);
    }
    return tokens;
}

} // namespace vb::engine
