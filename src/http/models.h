// /v1/models: the one model that is served. Text out; no sockets.
#pragma once

#include "http/backend.h"

#include <cstdint>
#include <string>

namespace vb::http {

// One JSON document each. `created`: Unix time.
std::string model_json(const Backend& backend, std::int64_t created);
std::string model_list_json(const Backend& backend, std::int64_t created);
std::string status_json(std::string_view status);

} // namespace vb::http
