#include "http/log_ring.h"

#include "base/clock.h"

#include <algorithm>

namespace vb::http {

void LogRing::append(base::Level level, std::string_view text) noexcept {
    const std::int64_t now = base::unix_milliseconds();
    const std::scoped_lock lock(mutex_);
    const std::uint64_t number = ++last_;
    lines_[number % capacity] = {
        .number = number, .time = now, .level = level, .text = base::Text<longest>(text)};
}

std::vector<LogRing::Line> LogRing::after(std::uint64_t number) const {
    const std::scoped_lock lock(mutex_);
    const std::uint64_t oldest = last_ < capacity ? 1 : last_ - capacity + 1;
    // A number that is not there yet is one of an earlier process: its reader has to begin anew.
    const std::uint64_t first = number > last_ ? oldest : std::max(oldest, number + 1);
    std::vector<Line> lines;
    for (std::uint64_t next = first; next <= last_; ++next) {
        lines.push_back(lines_[next % capacity]);
    }
    return lines;
}

base::Log::Sink LogRing::sink() noexcept {
    return {
        .append = [](void* object, base::Level level, std::string_view,
                     std::string_view text) noexcept { static_cast<LogRing*>(object)->append(level, text); },
        .object = this};
}

} // namespace vb::http
