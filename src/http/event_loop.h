// Owners for libevent's event objects. Everything here belongs to the one thread that runs the loop.
// An exception that leaves a callback ends the process: libevent's C frames cannot carry it, and what throws
// here is the end of memory.
#pragma once

#include "base/clock.h"
#include "base/error.h"

#include <functional>
#include <memory>
#include <utility>

struct event;
struct event_base;

namespace vb::http {

class EventLoop {
  public:
    static base::Result<EventLoop> create();

    // Until stop() is called from one of the callbacks.
    base::Result<> run();
    void stop() noexcept;

    event_base* handle() const noexcept { return base_.get(); }

  private:
    struct Free {
        void operator()(event_base* base) const noexcept;
    };
    explicit EventLoop(event_base* base) noexcept : base_(base) {}

    std::unique_ptr<event_base, Free> base_;
};

struct FreeEvent {
    void operator()(event* watched) const noexcept;
};

// Calls back whenever the descriptor is readable, as long as it lives. The descriptor stays the caller's.
class ReadWatch {
  public:
    ReadWatch(EventLoop& loop, int fd, std::function<void()> readable);

  private:
    std::unique_ptr<std::function<void()>> readable_; // its address is libevent's argument
    std::unique_ptr<event, FreeEvent> event_;
};

// Calls back once, and again whenever something new happens at the descriptor: bytes come, their end, an error. The
// descriptor stays the caller's, and no other watch may have it.
class EdgeWatch {
  public:
    EdgeWatch(EventLoop& loop, int fd, std::function<void()> changed);

  private:
    std::unique_ptr<std::function<void()>> changed_;
    std::unique_ptr<event, FreeEvent> event_;
};

// Calls back once for each start(), the last of those that come before it does.
class Timer {
  public:
    Timer(EventLoop& loop, std::function<void()> elapsed);
    // Starting it again is to begin anew.
    void start(base::Nanoseconds delay);
    void stop() noexcept;

  private:
    std::unique_ptr<std::function<void()>> elapsed_;
    std::unique_ptr<event, FreeEvent> event_;
};

} // namespace vb::http
