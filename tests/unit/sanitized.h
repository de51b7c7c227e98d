// Sanitizers have signal handlers, and memory, of their own.
#pragma once

namespace vb {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif

} // namespace vb
