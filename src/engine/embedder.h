// Turns texts into vectors with a model, in a context of its own that is made when it is first needed. Used by one
// thread.
#pragma once

#include "engine/model.h"
#include "engine/tally.h"

namespace vb::engine {

class Embedder {
  public:
    // `model`, `log` and `tally` outlive it.
    Embedder(const Model& model, const base::Log& log, Tally& tally)
        : model_(model), log_(log), tally_(tally) {}

    // Appends the embedding of `text`, Model's size of floats, of length 1.
    Result<> add(std::string_view text, Embeddings& embeddings);
    // Computes one token, to show that it can.
    Result<Outcome> prove();

  private:
    Result<> make_room(std::size_t tokens);
    // What is pooled over the tokens, for which there must be room; valid until the next call.
    Result<const float*> compute(std::span<const Token> tokens);

    const Model& model_;
    const base::Log& log_;
    Tally& tally_;
    ContextHandle handle_;
};

} // namespace vb::engine
