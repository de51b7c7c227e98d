// Owners of libllama's objects. For the .cpp files of src/engine only: no llama type leaves the folder.
#pragma once

#include <llama.h>

#include <memory>

namespace vb::engine {

template <auto Release>
struct Releaser {
    template <class Object>
    void operator()(Object* object) const noexcept {
        Release(object);
    }
};

using ModelHandle = std::unique_ptr<llama_model, Releaser<llama_model_free>>;
using ContextHandle = std::unique_ptr<llama_context, Releaser<llama_free>>;
using SamplerHandle = std::unique_ptr<llama_sampler, Releaser<llama_sampler_free>>;

} // namespace vb::engine
