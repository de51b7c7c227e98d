// Answers one request after the other with a model: prompt, tokens, text. Used by one thread.
#pragma once

#include "engine/engine.h"
#include "engine/model.h"

#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace vb::engine {

class Generator {
  public:
    // `interrupted` ends the computation of a request from any thread, even in the middle of a batch.
    // `between_tokens` is called where the thread can do something else for a moment.
    Generator(std::unique_ptr<Model> model, trace::Timeline& timeline, const base::Log& log,
              const std::atomic<bool>& interrupted, std::function<void()> between_tokens);
    Generator(const Generator&) = delete;
    Generator& operator=(const Generator&) = delete;

    // Computes what every prompt begins with, so that requests need not, and saves it for the next start. What
    // the context held of the last conversation is lost. For a moment when nobody waits.
    void prepare();
    // Sends the text to the receiver and returns what it should be told at the end.
    Result<Outcome> answer(const Request& request, Receiver& receiver);

  private:
    using Tokens = std::vector<llama_token>;

    Result<Tokens> prompt_tokens(const std::string& messages) const;
    // What the prompts of all conversations without a system message of their own begin with.
    Tokens common_prefix() const;
    Result<> save_prefix();
    Result<Tokens> tokenize(std::string_view text) const;
    // Keeps what the context holds of the beginning of `tokens`, and forgets the rest.
    void keep(std::span<const llama_token> tokens);
    // Makes the context hold `tokens`, of which it has kept the beginning; false when interrupted.
    Result<bool> read(std::span<const llama_token> tokens);
    // Appends to the context; false when interrupted.
    Result<bool> decode(std::span<const llama_token> tokens);
    SamplerHandle sampler(const Sampling& sampling) const;
    Result<Outcome> generate(const Request& request, Usage usage, Receiver& receiver);
    std::string_view piece(llama_token token);
    void forget();
    std::unexpected<Error> refuse_length(const std::string& tokens) const;

    std::unique_ptr<Model> model_;
    trace::Timeline* timeline_;
    const base::Log* log_;
    const std::atomic<bool>* interrupted_;
    std::function<void()> between_tokens_;
    Tokens saved_;              // what the file of the prefix holds
    Tokens held_;               // what the context's memory holds
    std::string piece_;         // of one token
    bool can_reuse_prefix_;     // whether the memory can drop its end
    bool first_request_ = true; // only this one goes on the timeline
};

} // namespace vb::engine
