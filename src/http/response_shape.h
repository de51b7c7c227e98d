// The replies of /v1/responses.
#pragma once

#include "http/response_request.h"
#include "http/shape.h"

#include <memory>

namespace vb::http {

std::unique_ptr<Shape> new_response_shape(const ResponseRequest& request, std::string_view model);

} // namespace vb::http
