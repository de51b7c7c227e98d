#include "python/log_queue.h"

#include "vector_boot.h"

#include <new>

namespace vb::python {

void LogQueue::add(std::int32_t level, const char* text, std::size_t length, void* user_data) noexcept {
    auto& queue = *static_cast<LogQueue*>(user_data);
    const std::scoped_lock lock(queue.mutex_);
    try {
        if (queue.lines_.size() < most_lines) {
            queue.lines_.push_back({.level = level, .text = std::string(text, length)});
        } else {
            ++queue.lost_;
        }
    } catch (const std::bad_alloc&) { ++queue.lost_; }
    queue.is_empty_.store(false, std::memory_order_release);
}

std::vector<LogLine> LogQueue::take() {
    const std::scoped_lock lock(mutex_);
    if (lost_ > 0) {
        lines_.push_back({.level = VB_LOG_WARNING, .text = std::to_string(lost_) + " more lines were lost"});
        lost_ = 0;
    }
    is_empty_.store(true, std::memory_order_release);
    return std::exchange(lines_, {});
}

} // namespace vb::python
