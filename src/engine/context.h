// The memory in which a model computes, in equal parts for sequences that know nothing of one another: what is computed
// in one of them does not depend, to the last bit, on what there is in the others. Clearing the cells is most of
// what a context costs to make, so it begins small, with one sequence, and grows, keeping what it holds.
#pragma once

#include "base/log.h"
#include "engine/engine.h"
#include "engine/error.h"
#include "engine/llama_handles.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace vb::engine {

// Of a sequence, as Context writes and reads it.
using SequenceState = std::vector<std::uint8_t>;

class Context {
  public:
    // `weights` and `log` outlive it. `threads` compute in it.
    static Result<Context> create(llama_model* weights, const Options& options, unsigned threads,
                                  const base::Log& log);

    // The most tokens that a sequence may ever have, and the most sequences.
    std::size_t limit() const noexcept { return limit_; }
    std::size_t parallel() const noexcept { return parallel_; }
    // How many there is memory for now: tokens of each sequence, and sequences.
    std::size_t size() const noexcept { return llama_n_ctx_seq(handle_.get()); }
    std::size_t sequences() const noexcept { return parameters_.n_seq_max; }
    // Tokens that may be computed at once.
    std::size_t batch() const noexcept { return parameters_.n_batch; }
    // Models for embeddings alone have no memory of what came before.
    bool can_generate() const noexcept { return memory() != nullptr; }
    // Whether what is computed can be cut at any token. A sliding window and a recurrent state have
    // lost what is needed for that.
    bool can_cut() const noexcept { return can_cut_; }

    // Makes it as large at least, as far as it may be. With more sequences than before, each may have room for fewer
    // tokens than before, but not for fewer than one of them holds. On an error, such as no memory, it is as it was.
    Result<> grow(std::size_t tokens, std::size_t sequences);
    // What one sequence has computed; restore() makes one that holds exactly that, in a context of the same
    // model, library and settings().
    Result<SequenceState> state(llama_seq_id sequence) const;
    // On an error the sequence is empty.
    Result<> restore(llama_seq_id sequence, std::span<const std::uint8_t> state);
    // The parameters that a state depends on, and the libraries and devices that compute it.
    std::string settings() const;
    // Ends a llama_decode on any thread while `flag` is set.
    void interrupt_by(const std::atomic<bool>& flag) noexcept;

    llama_context* get() const noexcept { return handle_.get(); }
    llama_memory_t memory() const noexcept { return llama_get_memory(handle_.get()); }

  private:
    Context(llama_model* weights, const base::Log& log) : weights_(weights), log_(&log) {}
    Result<SequenceState> state_of(llama_context* context, llama_seq_id sequence,
                                   std::size_t sequences) const;
    // The tokens of the sequence that holds most.
    std::size_t longest() const noexcept;
    Result<ContextHandle> open(std::size_t tokens, std::size_t sequences);

    llama_model* weights_;
    const base::Log* log_;
    llama_context_params parameters_ = llama_context_default_params();
    std::size_t limit_ = 0;
    std::size_t parallel_ = 1;
    bool can_cut_ = false;
    ContextHandle handle_;
};

} // namespace vb::engine
