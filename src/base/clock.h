// The one clock of the project: CLOCK_MONOTONIC in nanoseconds, which on a machine of our own starts with the
// kernel and which every process of it reads alike. Wall-clock jumps do not touch it.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <optional>

namespace vb::base {

using Nanoseconds = std::chrono::nanoseconds;

inline Nanoseconds monotonic_now() noexcept {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

// The wall clock's, for people: it may jump.
inline std::int64_t unix_milliseconds() noexcept {
    using std::chrono::milliseconds, std::chrono::system_clock;
    return std::chrono::duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

// Of two deadlines that there may be.
inline std::optional<Nanoseconds> earlier(const std::optional<Nanoseconds>& one,
                                          const std::optional<Nanoseconds>& other) noexcept {
    if (!one || !other) { return one ? one : other; }
    return std::min(*one, *other);
}

} // namespace vb::base
