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
    Generator(std::unique_ptr<Model> model, trace::Timeline& timeline, const std::atomic<bool>& interrupted,
              std::function<void()> between_tokens);
    Generator(const Generator&) = delete;
    Generator& operator=(const Generator&) = delete;

    // Sends the text to the receiver and returns what it should be told at the end.
    Result<Outcome> answer(const Request& request, Receiver& receiver);

  private:
    using Tokens = std::vector<llama_token>;

    Result<Tokens> prompt_tokens(const Request& request) const;
    Result<Tokens> tokenize(std::string_view text) const;
    // Makes the context hold exactly `prompt`, computing only what differs from what it holds.
    Result<bool> read_prompt(const Tokens& prompt);
    // Appends to the context; false when interrupted.
    Result<bool> decode(std::span<const llama_token> tokens);
    SamplerHandle sampler(const Sampling& sampling) const;
    Result<Outcome> generate(const Request& request, llama_sampler* sampler, Receiver& receiver);
    std::string_view piece(llama_token token);
    void forget();
    std::unexpected<Error> refuse_length(const std::string& tokens) const;

    std::unique_ptr<Model> model_;
    trace::Timeline* timeline_;
    const std::atomic<bool>* interrupted_;
    std::function<void()> between_tokens_;
    Tokens held_;               // what the context's memory holds
    std::string piece_;         // of one token
    bool can_reuse_prefix_;     // whether the memory can drop its end
    bool first_request_ = true; // only this one goes on the timeline
};

} // namespace vb::engine
