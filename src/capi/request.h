// How a request begins, for models and sessions alike.
#pragma once

#include "capi/handles.h"

#include <expected>

namespace vb::capi {

struct FreeRequest {
    void operator()(vb_request* request) const noexcept { vb_request_free(request); }
};

// Reads the options and makes the handle; nothing is under way yet. The failure is a status.
struct Prepared {
    std::unique_ptr<vb_request, FreeRequest> handle;
    engine::Request request; // without a prompt
};
std::expected<Prepared, std::int32_t> prepare(const char* function, const std::shared_ptr<Core>& core,
                                              const vb_request_options* given);

// Hands it to the engine. *out is set before, since `news` may come before this returns; NULL on failure.
std::int32_t submit(const char* function, Prepared prepared, engine::Prompt prompt, vb_request** out);

} // namespace vb::capi
