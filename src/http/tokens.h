// /tokenize and /detokenize, as llama-server has them. Answered at once, without the queue: bounded in size, since the event
// loop waits for them.
#pragma once

#include "http/backend.h"
#include "http/exchange.h"

namespace vb::http {

// Longer texts are refused: 1 MiB takes about a tenth of a second.
inline constexpr std::size_t longest_content = std::size_t{1} << 20;

void serve_tokenize(Exchange& exchange, const Backend& backend);
void serve_detokenize(Exchange& exchange, const Backend& backend);

// False if there is no model yet, or none any more, which the exchange was told then.
bool has_model(Exchange& exchange, const Backend& backend);

} // namespace vb::http
