// Reads a grammar in GBNF as libllama's parser does, before that one sees it: libllama prints what is wrong to stderr,
// follows rules recursively, and takes grammars that then hang it or fill the memory. What passes here it takes in
// silence, in bounded time; some oddities that it would take do not pass.
// Never calls itself, never prints, needs memory in proportion to its fixed bounds.
#pragma once

#include "engine/error.h"

#include <functional>
#include <string_view>

namespace vb::engine {

// Whether a text such as "<think>" is one token of the model, which is what it means in a grammar.
using IsToken = std::function<bool(std::string_view)>;

// The refusal says line, column (both from 1, in characters), what was found there, and what was expected.
Result<> check_gbnf(std::string_view grammar, const IsToken& is_token);

} // namespace vb::engine
