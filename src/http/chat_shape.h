// The replies of /v1/chat/completions.
#pragma once

#include "http/chat_request.h"
#include "http/shape.h"

#include <memory>

namespace vb::http {

std::unique_ptr<Shape> new_chat_shape(const ChatRequest& request, std::string_view model);

} // namespace vb::http
