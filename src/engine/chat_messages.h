// What a conversation is made of, checked field by field: messages, tools and a template's values, JSON from outside.
// It refuses what is not of OpenAI's shape by an error that names the field, and changes nothing in meaning.
#pragma once

#include "engine/bounded_json.h"
#include "engine/error.h"

#include <string_view>
#include <vector>

namespace vb::engine {

// {"role", "content"}: content a string, null or an array of text parts, and a string afterwards. An assistant's may
// have "tool_calls", whose arguments are a JSON object afterwards, however they came.
Result<Json> checked_messages(std::string_view text);

// A function that the model may have called.
struct Tool {
    std::string name;
    std::string parameters; // a JSON schema, always an object
};
struct Tools {
    Json json; // as templates get them: an array of {"type": "function", "function": {...}}
    std::vector<Tool> list;
};
// An empty text: none.
Result<Tools> checked_tools(std::string_view text);

// A JSON object; an empty text: an empty one.
Result<Json> checked_template_values(std::string_view text);

} // namespace vb::engine
