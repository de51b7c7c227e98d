// GET /events: what happens at the machine, told to everybody who listens, as server-sent events. A listener who comes
// back with Last-Event-ID gets what it missed, as far as that is kept; one who does not read is dropped.
// Belongs to the event loop's thread.
#pragma once

#include "http/exchange.h"

#include <cstdint>
#include <deque>
#include <list>
#include <string>
#include <string_view>

namespace vb::http {

class EventStream {
  public:
    static constexpr std::size_t kept = 64; // events

    // `name` is a word, `json` one line.
    void publish(std::string_view name, std::string_view json);
    void serve(Exchange& exchange);
    // Tells the listeners that no more comes, also those who come yet.
    void end();

  private:
    struct Event {
        std::uint64_t number;
        std::string text; // as it is sent
    };

    // False: the listener was dropped.
    static bool send(Exchange& exchange, std::string_view text);

    std::uint64_t last_ = 0;
    std::deque<Event> events_;
    std::list<Exchange*> listeners_; // each until its client is gone
    bool has_ended_ = false;
};

} // namespace vb::http
