#include "base/log.h"

#include "base/clock.h"

#include <poll.h>
#include <unistd.h>

namespace vb::base {

namespace {

constexpr int syslog_levels[] = {3, 4, 5, 6, 7}; // syslog(3)'s numbers of Level's

// Right-aligned, like the kernel's own lines: "    1.234567".
Text<31> stamp(Nanoseconds now) noexcept {
    const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
    Text<31> whole;
    whole << microseconds / 1'000'000;
    Text<31> fraction;
    fraction << microseconds % 1'000'000;
    Text<31> text;
    for (std::size_t width = whole.size(); width < 5; ++width) {
        text << " ";
    }
    text << whole.view() << ".";
    for (std::size_t width = fraction.size(); width < 6; ++width) {
        text << "0";
    }
    return text << fraction.view();
}

} // namespace

void Log::emit(Level level, std::string_view unit, std::string_view text) const noexcept {
    if (sink_.append != nullptr) { sink_.append(sink_.object, level, unit, text); }
    Text<1151> line;
    if (is_prefixed_) {
        line << "<" << syslog_levels[static_cast<unsigned char>(level)] << ">";
    } else {
        line << "[" << stamp(monotonic_now()).view() << "] " << unit << ": ";
        if (level <= Level::warning) { line << level_names[static_cast<unsigned char>(level)] << ": "; }
    }
    line << text << "\n";
    // A full pipe or a stopped console must not become our caller's problem: what is not taken is lost. Where
    // poll(2) says that it can be written to, there is room for a line: pipe(7) has PIPE_BUF, a tty more.
    pollfd ready{.fd = fd_, .events = POLLOUT, .revents = 0};
    if (::poll(&ready, 1, 0) == 0) { return; }
    [[maybe_unused]] const ssize_t written = ::write(fd_, line.view().data(), line.size());
}

} // namespace vb::base
