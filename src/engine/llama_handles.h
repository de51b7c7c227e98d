// Owners of libllama's objects. For the .cpp files of src/engine only: no llama type leaves the folder.
#pragma once

#include <llama.h>

#include <cstddef>
#include <cstdint>
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

// What llama_decode computes at once.
class Batch {
  public:
    explicit Batch(std::size_t capacity)
        : batch_(llama_batch_init(static_cast<std::int32_t>(capacity), 0, 1)) {}
    ~Batch() { llama_batch_free(batch_); }
    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;

    void clear() noexcept { batch_.n_tokens = 0; }
    // Not more than `capacity`. Returns where in the batch it is.
    std::int32_t add(llama_token token, std::size_t position, llama_seq_id sequence,
                     bool wants_logits) noexcept {
        const std::int32_t at = batch_.n_tokens++;
        batch_.token[at] = token;
        batch_.pos[at] = static_cast<llama_pos>(position);
        batch_.n_seq_id[at] = 1;
        batch_.seq_id[at][0] = sequence;
        batch_.logits[at] = wants_logits ? 1 : 0;
        return at;
    }
    const llama_batch& get() const noexcept { return batch_; }

  private:
    llama_batch batch_;
};

} // namespace vb::engine
