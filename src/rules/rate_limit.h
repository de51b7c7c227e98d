// So many a minute: an allowance that fills evenly, and of which all may be spent at once.
#pragma once

#include "base/clock.h"

#include <algorithm>

namespace vb::rules {

class RateLimit {
  public:
    RateLimit(std::uint32_t a_minute, base::Nanoseconds now) noexcept
        : most_(a_minute), allowance_(a_minute), filled_(now) {}

    // Whether one more may happen now.
    bool take(base::Nanoseconds now) noexcept {
        using Minutes = std::chrono::duration<double, std::ratio<60>>;
        allowance_ = std::min(most_, allowance_ + most_ * Minutes(now - filled_).count());
        filled_ = now;
        if (allowance_ < 1) { return false; }
        allowance_ -= 1;
        return true;
    }

  private:
    double most_;
    double allowance_;
    base::Nanoseconds filled_;
};

} // namespace vb::rules
