#include "http/event_loop.h"

#include <event2/event.h>
#include <new>

namespace vb::http {

namespace {

extern "C" void call_back(evutil_socket_t, short, void* callback) noexcept {
    (*static_cast<std::function<void()>*>(callback))();
}

std::unique_ptr<event, FreeEvent> new_event(EventLoop& loop, int fd, short what,
                                            std::function<void()>& callback) {
    std::unique_ptr<event, FreeEvent> made(event_new(loop.handle(), fd, what, call_back, &callback));
    if (!made) { throw std::bad_alloc(); }
    return made;
}

} // namespace

void EventLoop::Free::operator()(event_base* base) const noexcept { event_base_free(base); }

base::Result<EventLoop> EventLoop::create() {
    const std::unique_ptr<event_config, decltype(&event_config_free)> config(event_config_new(),
                                                                             event_config_free);
    if (!config) { return base::system_error("create the event loop", "libevent"); }
    // One thread, and no surprises from EVENT_* variables.
    event_config_set_flag(config.get(), EVENT_BASE_FLAG_NOLOCK);
    event_config_set_flag(config.get(), EVENT_BASE_FLAG_IGNORE_ENV);
    event_base* const base = event_base_new_with_config(config.get());
    if (base == nullptr) { return base::system_error("create the event loop", "libevent"); }
    return EventLoop(base);
}

base::Result<> EventLoop::run() {
    if (event_base_loop(base_.get(), EVLOOP_NO_EXIT_ON_EMPTY) < 0) {
        return base::system_error("run the event loop", event_base_get_method(base_.get()));
    }
    return {};
}

void EventLoop::stop() noexcept { event_base_loopbreak(base_.get()); }

void FreeEvent::operator()(event* watched) const noexcept { event_free(watched); }

ReadWatch::ReadWatch(EventLoop& loop, int fd, std::function<void()> readable)
    : readable_(std::make_unique<std::function<void()>>(std::move(readable))),
      event_(new_event(loop, fd, EV_READ | EV_PERSIST, *readable_)) {
    if (event_add(event_.get(), nullptr) != 0) { throw std::bad_alloc(); }
}

EdgeWatch::EdgeWatch(EventLoop& loop, int fd, std::function<void()> changed)
    : changed_(std::make_unique<std::function<void()>>(std::move(changed))),
      event_(new_event(loop, fd, EV_READ | EV_PERSIST | EV_ET, *changed_)) {
    if (event_add(event_.get(), nullptr) != 0) { throw std::bad_alloc(); }
}

Timer::Timer(EventLoop& loop, std::function<void()> elapsed)
    : elapsed_(std::make_unique<std::function<void()>>(std::move(elapsed))),
      event_(new_event(loop, -1, 0, *elapsed_)) {}

void Timer::start(base::Nanoseconds delay) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(delay);
    const auto rest = std::chrono::duration_cast<std::chrono::microseconds>(delay - seconds);
    const timeval after{.tv_sec = seconds.count(), .tv_usec = rest.count()};
    if (event_add(event_.get(), &after) != 0) { throw std::bad_alloc(); }
}

void Timer::stop() noexcept { event_del(event_.get()); }

} // namespace vb::http
