// The one clock of the project: CLOCK_MONOTONIC in nanoseconds, which on a machine of our own starts with the
// kernel and which every process of it reads alike. Wall-clock jumps do not touch it.
#pragma once

#include <chrono>
#include <ctime>

namespace vb::base {

using Nanoseconds = std::chrono::nanoseconds;

inline Nanoseconds monotonic_now() noexcept {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

} // namespace vb::base
