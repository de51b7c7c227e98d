// One thread waits here for what another brings.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

namespace vb::capi {

template <class Value>
class Awaited {
  public:
    void bring(Value value) {
        const std::scoped_lock lock(mutex_);
        value_.emplace(std::move(value));
        brought_.notify_all();
    }
    Value take() {
        std::unique_lock lock(mutex_);
        brought_.wait(lock, [this] { return value_.has_value(); });
        return std::move(*value_);
    }
    template <class Duration>
    bool wait_for(Duration duration) {
        std::unique_lock lock(mutex_);
        return brought_.wait_for(lock, duration, [this] { return value_.has_value(); });
    }

  private:
    std::mutex mutex_;
    std::condition_variable brought_;
    std::optional<Value> value_;
};

} // namespace vb::capi
