#include "hardware/ioctl.h"

#include <sys/ioctl.h>

namespace vb::hardware {

namespace {

class NativeIoctl final : public Ioctl {
  public:
    int call(int fd, unsigned long request, std::uintptr_t argument) noexcept override {
        int result = 0;
        do {
            result = ::ioctl(fd, request, argument);
        } while (result < 0 && errno == EINTR);
        return result;
    }
};

} // namespace

Ioctl& native_ioctl() noexcept {
    static constinit NativeIoctl native;
    return native;
}

} // namespace vb::hardware
