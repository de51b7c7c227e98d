// What a function of vector_boot.h returns, and the text that vb_error_last() then gives.
// Never throws: where there is no memory for the text, the status alone has to do.
#pragma once

#include "vector_boot.h"

#include "base/text.h"
#include "engine/error.h"

#include <cstdint>
#include <string_view>

namespace vb::capi {

// The texts of the calling thread's last call.
std::int32_t succeed(std::int32_t status = VB_OK) noexcept;
std::int32_t fail_with(std::int32_t status, std::string_view message) noexcept;

template <class... Parts>
std::int32_t fail(std::int32_t status, const Parts&... parts) noexcept {
    base::Text<1023> message;
    (message << ... << parts);
    return fail_with(status, message);
}

std::int32_t status_of(engine::Fault fault) noexcept;
// The engine's own words say enough.
std::int32_t fail(const engine::Error& error) noexcept;

// In a catch (...) at the border: what was thrown below becomes a status.
std::int32_t caught(const char* function) noexcept;

} // namespace vb::capi
