// The messages of a conversation that goes on, as JSON.
#pragma once

#include "engine/error.h"

#include <string>
#include <string_view>

namespace vb::engine {

// `messages`, a JSON array, with those of `more` after its own. Fails where one of them is no array of messages.
Result<std::string> add_messages(const std::string& messages, const std::string& more);

// With {"role": "assistant", "content": answer} at its end.
std::string add_answer(const std::string& messages, std::string_view answer);

} // namespace vb::engine
