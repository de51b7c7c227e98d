// Chooses the next token of one request from the logits that the model gave.
#pragma once

#include "engine/engine.h"
#include "engine/llama_handles.h"
#include "engine/schema.h"

namespace vb::engine {

class Sampler {
  public:
    // Fails where the grammar or the schema is none. `prompt`: what penalties count besides the answer.
    static Result<Sampler> create(const llama_vocab* vocabulary, SchemaVocabulary& schemas,
                                  const Sampling& sampling, std::span<const Token> prompt);

    // From now on the tokens obey this; nothing: none. Not for a sampler with a grammar.
    void obey(std::optional<Schema> schema);

    // One logit for each token of the vocabulary. Throws where the grammar or the schema fails.
    Token choose(std::span<const float> logits);

  private:
    Sampler() = default;
    Token choose_from_all(std::span<const float> logits, bool obeys);

    SamplerHandle chain_;   // null: the likeliest token it is
    SamplerHandle grammar_; // null: none
    std::optional<Schema> schema_;
    bool is_greedy_ = false;
    std::vector<llama_token_data> candidates_;
};

// Of `token` and of the `count` likeliest tokens, without their bytes.
ChosenToken probabilities(std::span<const float> logits, Token token, std::size_t count);

} // namespace vb::engine
