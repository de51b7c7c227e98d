// Grammars, in llguidance's kind of Lark, of answers that are calls of tools with arguments that obey their schemas.
#pragma once

#include "engine/tool_format.h"

#include <cstdint>
#include <span>
#include <string>

namespace vb::engine {

struct CallGrammar {
    ToolFormat format;
    std::span<const Tool> tools; // not empty
    std::uint32_t most = 1;      // calls in one answer
    std::string mark;            // what begins a call, as a term of the grammar

    // An answer that is one call or more; or JSON that obeys `schema`, if that is not empty.
    std::string of_answer(const std::string& schema) const;
    // What comes after the mark, of one call.
    std::string of_rest() const;
};

// A text as a term of a grammar.
std::string lark_text(std::string_view text);

} // namespace vb::engine
