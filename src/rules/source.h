// Where the events of a rule come from: a register that is read with a period, an interrupt, a timer. It finds out
// whether the rule's condition holds. Belongs to the event loop's thread.
#pragma once

#include "http/event_loop.h"
#include "rules/devices.h"
#include "rules/question.h"

#include <memory>

namespace vb::rules {

// Who hears of them. It must not destroy the source within the call.
class Listener {
  public:
    virtual void occurred(const Event& event) = 0;
    // The device could not be read. `is_over`: the source says nothing any more.
    virtual void failed(const base::Error& error, bool is_over) = 0;

  protected:
    ~Listener() = default;
};

class Source {
  public:
    virtual ~Source() = default;
};

// `rule` and `listener` outlive it. `device`: null where the rule has none. May call the listener at once.
base::Result<std::unique_ptr<Source>> watch(http::EventLoop& loop, const config::Rule& rule,
                                            std::shared_ptr<OpenDevice> device, Listener& listener);

} // namespace vb::rules
