// What the engine says on its own threads, kept until a call from Python fetches it. Bounded: of a flood the first
// lines stay, and a count of the rest.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vb::python {

struct LogLine {
    std::int32_t level = 0; // VB_LOG_*
    std::string text;
};

class LogQueue {
  public:
    static constexpr std::size_t most_lines = 256;

    // A vb_log_callback; `user_data` is the queue.
    static void add(std::int32_t level, const char* text, std::size_t length, void* user_data) noexcept;

    // Without a lock: one of the engine's threads may have held it in the parent of a fork.
    bool is_empty() const noexcept { return is_empty_.load(std::memory_order_acquire); }
    std::vector<LogLine> take();

  private:
    std::atomic<bool> is_empty_ = true;
    std::mutex mutex_;
    std::vector<LogLine> lines_;
    std::size_t lost_ = 0;
};

} // namespace vb::python
