// Text to tokens and back, with a model's vocabulary, and the prompts of requests. Any thread.
#pragma once

#include "engine/model.h"

namespace vb::engine {

// As libllama has it, with our bounds. Fails for texts that have too many bytes, or more tokens than `most`.
// `special`: the names of control tokens count as those, and what the model wants at the beginning is added.
Result<Tokens> tokenize(const Model& model, std::string_view text, bool special, std::size_t most);

// Appends the bytes that a token stands for; `special`: for a control token its name, else nothing.
void append_piece(const Model& model, Token token, bool special, std::string& bytes);

Result<std::string> detokenize(const Model& model, std::span<const Token> tokens, bool special);

// The tokens of a request's prompt. At least one, and less than `limit`, so that there is room for an answer;
// a prompt that `slides` keeps its beginning and its end where it is longer.
Result<Tokens> prompt_tokens(const Model& model, const Prompt& prompt, std::size_t limit, bool slides);

// Leaves out the older half of what does not fit: the first tokens stay, which hold what the model is told to be,
// and the newest. `tokens` has at least `limit` tokens, and then less.
void slide(Tokens& tokens, std::size_t limit);

} // namespace vb::engine
