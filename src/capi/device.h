// What devices, GPIO lines and input devices have in common: how they are named, and how they fail.
#pragma once

#include "base/error.h"
#include "capi/options.h"
#include "capi/status.h"

#include <cstdint>
#include <string>
#include <utility>

namespace vb::capi {

std::int32_t fail_device(const base::Error& error) noexcept;

inline std::int32_t status_of(const base::Result<>& done) noexcept {
    return done ? succeed() : fail_device(done.error());
}

// A handle of what was made, or why it was not.
template <class Handle, class Value>
std::int32_t give(base::Result<Value> made, Handle** out) {
    if (!made) { return fail_device(made.error()); }
    *out = new Handle{*std::move(made)};
    return succeed();
}

// The text that says which device is meant: `what` itself, or what it is a name of. The failure's text has an example.
Checked<std::string> specification_of(const char* function, const char* what, const char* example);

} // namespace vb::capi
