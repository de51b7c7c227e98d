// What a device says by a descriptor (its interrupt, the edges of a line, keys), for all rules that watch it: it is taken
// once, and everybody hears of it. Belongs to the event loop's thread.
#pragma once

#include "http/event_loop.h"
#include "rules/event.h"

#include <functional>
#include <vector>

namespace vb::rules {

class Feed {
  public:
    using Take = std::function<base::Result<std::vector<Event>>()>;
    using Rearm = std::function<base::Result<>()>; // once everybody has heard

    // None of the calls may end the feed or a subscriber.
    class Subscriber {
      public:
        virtual void heard(const Event& event) = 0;
        // The last call.
        virtual void broke(const base::Error& error) = 0;

      protected:
        ~Subscriber() = default;
    };

    Feed(http::EventLoop& loop, int fd, Take take, Rearm rearm)
        : take_(std::move(take)), rearm_(std::move(rearm)), watch_(loop, fd, [this] { look(); }) {}

    void add(Subscriber& subscriber) { subscribers_.push_back(&subscriber); }
    void remove(const Subscriber& subscriber) { std::erase(subscribers_, &subscriber); }

  private:
    void look();
    base::Result<> pass_on();

    const Take take_;
    const Rearm rearm_;
    std::vector<Subscriber*> subscribers_;
    bool is_broken_ = false; // its descriptor may stay readable for ever, until whoever was told ends this
    http::ReadWatch watch_;
};

} // namespace vb::rules
