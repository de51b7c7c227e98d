// How a model writes calls of tools, which its chat template tells, and how it hears of tools where the template knows
// of none.
#pragma once

#include "engine/chat_messages.h"

#include <string_view>

namespace vb::engine {

enum class CallForm : unsigned char {
    tagged,    // <tool_call>{"name": ..., "arguments": {...}}</tool_call>: Hermes, Qwen
    bare,      // {"name": ..., "parameters": {...}}, perhaps after <|python_tag|>: Llama 3
    bracketed, // [TOOL_CALLS][{"name": ..., "arguments": {...}}, ...]: Mistral
};

struct ToolFormat {
    CallForm form = CallForm::tagged;
    bool is_told = false; // the template knows no tools, or writes calls in a form that we do not know

    // What stands before a call, and after it; empty: nothing.
    std::string_view begin() const noexcept;
    std::string_view end() const noexcept;
    // The member of a call that holds what the tool gets.
    std::string_view arguments() const noexcept;
};

ToolFormat find_tool_format(std::string_view template_source);

// For templates that know no tools: these are told in a system message, and calls and their results become text. Without
// tools only what was said of them before.
Json told_as_text(const Json& messages, const Json& tools);

// As templates of this form take them.
void adapt_messages(CallForm form, Json& messages);

} // namespace vb::engine
