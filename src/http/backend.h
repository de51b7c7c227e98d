// What the HTTP server needs of a neural engine: the seam at which tests put a scripted one.
#pragma once

#include "engine/engine.h"

#include <memory>
#include <string_view>

namespace vb::http {

class Backend {
  public:
    using Ticket = engine::Engine::Ticket;

    virtual ~Backend() = default;
    // As engine::Engine: requests are answered in order, and wait while the model loads.
    virtual Ticket submit(engine::Request request, std::unique_ptr<engine::Receiver> receiver) = 0;
    virtual void cancel(Ticket ticket) = 0;
    virtual engine::State state() const noexcept = 0;
    virtual std::string_view model_name() const noexcept = 0;
};

} // namespace vb::http
