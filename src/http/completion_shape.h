// The replies of /v1/completions.
#pragma once

#include "http/backend.h"
#include "http/completion_request.h"
#include "http/shape.h"

#include <memory>

namespace vb::http {

// `backend` outlives it.
std::unique_ptr<Shape> new_completion_shape(const CompletionRequest& request, const Backend& backend);

} // namespace vb::http
