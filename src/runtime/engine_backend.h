// The neural engine as the HTTP API sees it.
#pragma once

#include "engine/engine.h"
#include "http/backend.h"

namespace vb::runtime {

class EngineBackend final : public http::Backend {
  public:
    // As engine::Engine. `parallel` requests of clients are computed at once.
    EngineBackend(engine::Options options, std::size_t parallel, trace::Timeline& timeline,
                  const base::Log& log, std::function<void(engine::State)> changed)
        : parallel_(parallel), engine_(std::move(options), timeline, log, std::move(changed)) {}

    Ticket submit(engine::Request request, std::unique_ptr<engine::Receiver> receiver) override {
        return engine_.submit(std::move(request), std::move(receiver));
    }
    void cancel(Ticket ticket) override { engine_.cancel(ticket); }
    void embed(std::vector<std::string> texts,
               std::function<void(engine::Result<engine::Embeddings>)> done) override {
        engine_.embed(std::move(texts), std::move(done));
    }
    engine::State state() const noexcept override { return engine_.state(); }
    float progress() const noexcept override { return engine_.progress(); }
    std::string_view model_name() const noexcept override { return engine_.model_name(); }
    std::size_t parallel() const noexcept override { return parallel_; }
    engine::Counters counters() const override { return engine_.counters(); }
    engine::ModelInformation information() const override { return engine_.information(); }
    engine::Result<engine::Tokens> tokenize(std::string_view text, bool special) const override {
        return engine_.tokenize(text, special);
    }
    engine::Result<std::string> detokenize(std::span<const engine::Token> tokens,
                                           bool special) const override {
        return engine_.detokenize(tokens, special);
    }
    engine::Engine& engine() noexcept { return engine_; }
    const engine::Error& failure() const noexcept { return engine_.failure(); }

  private:
    const std::size_t parallel_;
    engine::Engine engine_;
};

} // namespace vb::runtime
