// The memory in which a model computes one sequence. Clearing a context's key-value cells is most of what it
// costs to make one, so it begins small and grows as the sequence does, keeping what it holds.
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

class Context {
  public:
    // `weights` and `log` outlive it. `threads` compute in it.
    static Result<Context> create(llama_model* weights, const Options& options, unsigned threads,
                                  const base::Log& log);

    // The most tokens that it may ever hold.
    std::size_t capacity() const noexcept { return capacity_; }
    // Grows it where `tokens` would not fit. On an error, such as no memory, it is as it was.
    Result<> make_room(std::size_t tokens);
    // What its sequence has computed; restore() makes one that holds exactly that, in a context of the same
    // model, library and settings(). What it held before is lost either way.
    Result<std::vector<std::uint8_t>> state() const;
    Result<> restore(std::span<const std::uint8_t> state);
    // The parameters that a state depends on, and the libraries and devices that compute it.
    std::string settings() const;
    // Ends a llama_decode on any thread while `flag` is set.
    void interrupt_by(const std::atomic<bool>& flag) noexcept;

    llama_context* get() const noexcept { return handle_.get(); }

  private:
    Context(llama_model* weights, const base::Log& log) : weights_(weights), log_(&log) {}
    Result<ContextHandle> open(std::size_t tokens);

    llama_model* weights_;
    const base::Log* log_;
    llama_context_params parameters_ = llama_context_default_params();
    std::size_t capacity_ = 0;
    ContextHandle handle_;
};

} // namespace vb::engine
