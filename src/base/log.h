// Log lines: one write(2) each, "[    1.234567] unit: text", to a descriptor that somebody else owns.
// Never blocks, never allocates, never fails the caller: a line that cannot be
// written is lost. A copy can go to a sink, which in PID 1 is the journal.
#pragma once

#include "base/text.h"

namespace vb::base {

enum class Level : unsigned char { error, warning, notice, info, debug };

inline constexpr std::string_view level_names[] = {"error", "warning", "notice", "info", "debug"};

class Log {
  public:
    struct Sink {
        void (*append)(void* object, Level level, std::string_view unit,
                       std::string_view text) noexcept = nullptr;
        void* object = nullptr; // outlives the log
    };

    constexpr Log(int fd, std::string_view unit, Level least = Level::info) noexcept
        : fd_(fd), unit_(unit), least_(least) {}

    template <class... Parts>
    void write(Level level, const Parts&... parts) const noexcept {
        if (level > least_) { return; }
        Text<1023> line;
        (line << ... << parts);
        emit(level, unit_, line);
    }
    template <class... Parts>
    void error(const Parts&... parts) const noexcept {
        write(Level::error, parts...);
    }
    template <class... Parts>
    void warning(const Parts&... parts) const noexcept {
        write(Level::warning, parts...);
    }
    template <class... Parts>
    void notice(const Parts&... parts) const noexcept {
        write(Level::notice, parts...);
    }
    template <class... Parts>
    void info(const Parts&... parts) const noexcept {
        write(Level::info, parts...);
    }
    template <class... Parts>
    void debug(const Parts&... parts) const noexcept {
        write(Level::debug, parts...);
    }

    // In the name of another one.
    void write_as(std::string_view unit, Level level, std::string_view text) const noexcept {
        if (level <= least_) { emit(level, unit, text); }
    }

    // Lines begin with "<N>", as sd-daemon(3) has it, in place of time and unit: whoever reads them has both.
    void set_prefixed(bool prefixed) noexcept { is_prefixed_ = prefixed; }
    void set_level(Level least) noexcept { least_ = least; }
    void set_sink(const Sink& sink) noexcept { sink_ = sink; }

  private:
    void emit(Level level, std::string_view unit, std::string_view text) const noexcept;

    int fd_;
    std::string_view unit_;
    Level least_;
    Sink sink_;
    bool is_prefixed_ = false;
};

} // namespace vb::base
