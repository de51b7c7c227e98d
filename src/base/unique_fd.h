// The owner of one file descriptor. -1 is empty. Whoever creates a descriptor for it sets O_CLOEXEC.
#pragma once

#include <unistd.h>
#include <utility>

namespace vb::base {

class UniqueFd {
  public:
    UniqueFd() noexcept = default;
    explicit UniqueFd(int fd) noexcept : fd_(fd) {}
    UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
    UniqueFd& operator=(UniqueFd&& other) noexcept {
        reset(other.release());
        return *this;
    }
    UniqueFd(const UniqueFd&) = delete;
    UniqueFd& operator=(const UniqueFd&) = delete;
    ~UniqueFd() { reset(); }

    int get() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ >= 0; }
    int release() noexcept { return std::exchange(fd_, -1); }
    // close(2) is not tried again after EINTR: on Linux the descriptor is gone by then.
    void reset(int fd = -1) noexcept {
        const int old = std::exchange(fd_, fd);
        if (old >= 0) { ::close(old); }
    }

  private:
    int fd_ = -1;
};

} // namespace vb::base
