// ioctl(2) as a seam: tests put a device in its place that is not there.
#pragma once

#include "base/error.h"

#include <cstdint>

namespace vb::hardware {

class Ioctl {
  public:
    virtual ~Ioctl() = default;
    // As ioctl(2): -1 and errno where it fails.
    virtual int call(int fd, unsigned long request, std::uintptr_t argument) noexcept = 0;

    int call(int fd, unsigned long request) noexcept { return call(fd, request, std::uintptr_t{0}); }
    template <class Argument>
    int call(int fd, unsigned long request, Argument* argument) noexcept {
        return call(fd, request, reinterpret_cast<std::uintptr_t>(argument));
    }
};

Ioctl& native_ioctl() noexcept;

} // namespace vb::hardware
