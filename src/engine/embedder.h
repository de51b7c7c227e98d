// Turns texts into vectors with a model, in a context of its own that is made when it is first needed. Used by one
// thread.
#pragma once

#include "engine/model.h"

namespace vb::engine {

class Embedder {
  public:
    // `model` and `log` outlive it.
    Embedder(const Model& model, const base::Log& log) : model_(model), log_(log) {}

    // Appends the embedding of `text`, Model's size of floats, of length 1.
    Result<> add(std::string_view text, Embeddings& embeddings);

  private:
    Result<> make_room(std::size_t tokens);

    const Model& model_;
    const base::Log& log_;
    ContextHandle handle_;
};

} // namespace vb::engine
