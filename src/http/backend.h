// What the HTTP server needs of a neural engine: the seam at which tests put a scripted one.
#pragma once

#include "engine/engine.h"

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vb::http {

class Backend {
  public:
    using Ticket = engine::Engine::Ticket;

    virtual ~Backend() = default;
    // As engine::Engine: requests are answered in order, and wait while the model loads.
    virtual Ticket submit(engine::Request request, std::unique_ptr<engine::Receiver> receiver) = 0;
    virtual void cancel(Ticket ticket) = 0;
    // As engine::Engine: `done` is called on the engine's thread.
    virtual void embed(std::vector<std::string> texts,
                       std::function<void(engine::Result<engine::Embeddings>)> done) = 0;
    virtual engine::State state() const noexcept = 0;
    virtual float progress() const noexcept = 0; // of the load, from 0 to 1
    virtual std::string_view model_name() const noexcept = 0;
    virtual std::size_t parallel() const noexcept = 0; // requests that are computed at once
    virtual engine::Counters counters() const = 0;

    // Once state() is ready.
    virtual engine::ModelInformation information() const = 0;
    virtual engine::Result<engine::Tokens> tokenize(std::string_view text, bool special) const = 0;
    virtual engine::Result<std::string> detokenize(std::span<const engine::Token> tokens,
                                                   bool special) const = 0;
};

} // namespace vb::http
