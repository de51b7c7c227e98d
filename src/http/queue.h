// Who is let to the engine, and when: as many at once as it computes side by side, the others wait here, and clients take
// turns. Bounded in number and time. Knows neither what they want nor how they are answered. Belongs to the event
// loop's thread.
#pragma once

#include "base/clock.h"
#include "http/backend.h"
#include "http/event_loop.h"
#include "http/limits.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace vb::http {

class Queue {
  public:
    using Place = std::uint64_t;
    struct Entry {
        std::string client; // those of one client wait for each other
        std::optional<base::Nanoseconds> deadline{};
        // Its turn has come: it is running until it leaves. Must not call the queue.
        std::function<void()> begin;
        // It has left without having been begun, or before the model was there.
        std::function<void(std::string_view why)> give_up;
    };

    // `loop` and `backend` outlive it.
    Queue(EventLoop& loop, const Backend& backend, const Limits& limits);

    // For so many more of this client; false if there is none. Where it is full, those who have come last of the client
    // with the most waiting give way to one with fewer.
    bool make_room(std::string_view client, std::size_t count);
    Place add(Entry entry);
    // Whether it waits or runs; one that is not there any more is ignored.
    void leave(Place place);

    std::size_t waiting() const noexcept { return entries_.size() - running_; }
    std::size_t running() const noexcept { return running_; }

  private:
    struct Held {
        Entry entry;
        base::Nanoseconds expires;
        bool is_running = false;
    };
    using Entries = std::map<Place, Held>; // in the order they came

    void begin_next();
    void forget_turn(const Entries::value_type& entry);
    void give_up(Place place, std::string_view why);
    // One that runs while the model loads waits as well, only elsewhere.
    bool can_expire(const Held& held) const;
    void watch_time();
    void expire();

    const Backend& backend_;
    const std::size_t most_waiting_;
    const std::chrono::milliseconds patience_;
    Entries entries_;
    std::map<std::string, std::deque<Place>, std::less<>> waiting_; // by client, never empty
    std::deque<std::string> turns_; // the clients that wait, the next one first
    std::size_t running_ = 0;
    Place last_ = 0;
    std::optional<base::Nanoseconds> alarm_; // when the timer rings
    Timer timer_;
};

} // namespace vb::http
