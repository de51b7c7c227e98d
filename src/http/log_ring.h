// The last lines that this process has logged, for the web page. Bounded: what is old makes room. Any thread may
// append, none is kept waiting for longer than a copy of a line takes.
#pragma once

#include "base/log.h"

#include <array>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <vector>

namespace vb::http {

class LogRing {
  public:
    static constexpr std::size_t capacity = 256;
    static constexpr std::size_t longest = 383; // what is longer is cut

    struct Line {
        std::uint64_t number = 0; // 1, 2, ...
        std::int64_t time = 0;    // milliseconds of Unix time
        base::Level level = base::Level::info;
        base::Text<longest> text;
    };

    void append(base::Level level, std::string_view text) noexcept;
    // The lines that are still there and came after the one of this number, the oldest first.
    std::vector<Line> after(std::uint64_t number) const;

    base::Log::Sink sink() noexcept;

  private:
    mutable std::mutex mutex_;
    std::uint64_t last_ = 0;
    std::array<Line, capacity> lines_{}; // line N is at N % capacity
};

} // namespace vb::http
