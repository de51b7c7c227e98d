#include "http/tokens.h"

#include "http/fields.h"
#include "http/openai_wire.h"

#include <format>
#include <variant>

namespace vb::http::wire {

// A piece that is not whole characters is an array of bytes.
struct TokenPiece {
    engine::Token id;
    std::variant<std::string, std::vector<std::uint8_t>> piece;
};
template <class Token>
struct TokenList {
    std::vector<Token> tokens;
};
struct Content {
    std::string content;
};

} // namespace vb::http::wire

namespace vb::http {

namespace {

constexpr std::size_t most_tokens = std::size_t{1} << 18;

void reply_pieces(Exchange& exchange, const Backend& backend, const engine::Tokens& tokens) {
    wire::TokenList<wire::TokenPiece> list;
    for (const engine::Token token : tokens) {
        const auto piece = backend.detokenize(std::span(&token, 1), true);
        if (!piece) { return reply_error(exchange, error_reply(piece.error(), "content")); }
        wire::TokenPiece& one = list.tokens.emplace_back(wire::TokenPiece{.id = token, .piece = *piece});
        if (valid_text(*piece) != *piece) {
            one.piece = std::vector<std::uint8_t>(piece->begin(), piece->end());
        }
    }
    exchange.reply(200, json_type, json(list));
}

} // namespace

bool has_model(Exchange& exchange, const Backend& backend) {
    if (backend.state() == engine::State::ready) { return true; }
    const bool loading = backend.state() == engine::State::loading;
    reply_error(exchange, unavailable(loading ? "the model is still loading" : "there is no model"));
    return false;
}

void serve_tokenize(Exchange& exchange, const Backend& backend) {
    const std::string& body = exchange.body();
    Fault fault;
    const Fields fields = Fields::of_body(body, fault);
    const std::string expected = std::format("a string of at most {} bytes", longest_content);
    std::string content;
    bool special = false;
    bool with_pieces = false;
    if (!fields.read("content", content) || content.size() > longest_content) {
        fields.refuse("content", expected);
    }
    fields.read("add_special", special);
    fields.read("with_pieces", with_pieces);
    if (fault) { return reply_error(exchange, *fault); }
    if (!has_model(exchange, backend)) { return; }
    const auto tokens = backend.tokenize(content, special);
    if (!tokens) { return reply_error(exchange, error_reply(tokens.error(), "content")); }
    if (with_pieces) { return reply_pieces(exchange, backend, *tokens); }
    exchange.reply(200, json_type, json(wire::TokenList<engine::Token>{*tokens}));
}

void serve_detokenize(Exchange& exchange, const Backend& backend) {
    const std::string& body = exchange.body();
    Fault fault;
    const Fields fields = Fields::of_body(body, fault);
    const std::string expected = std::format("an array of at most {} token ids", most_tokens);
    engine::Tokens tokens;
    if (!fields.read("tokens", tokens, expected) || tokens.size() > most_tokens) {
        fields.refuse("tokens", expected);
    }
    if (fault) { return reply_error(exchange, *fault); }
    if (!has_model(exchange, backend)) { return; }
    const auto text = backend.detokenize(tokens, true);
    if (!text) { return reply_error(exchange, error_reply(text.error(), "tokens")); }
    exchange.reply(200, json_type, json(wire::Content{valid_text(*text)}));
}

} // namespace vb::http
