// Answers that obey a JSON schema: which tokens may come next, by llguidance. Of the schema language it refuses what it
// does not know, by name; it bounds its own time and memory.
#pragma once

#include "engine/engine.h"
#include "engine/llama_handles.h"

#include <llguidance.h>

#include <span>

namespace vb::engine {

// What llguidance knows of a vocabulary. Made when the first schema comes: it takes some ten milliseconds.
class SchemaVocabulary {
  public:
    // `vocabulary` outlives it.
    explicit SchemaVocabulary(const llama_vocab* vocabulary) : vocabulary_(vocabulary) {}

    Result<const LlgTokenizer*> tokenizer();

  private:
    const llama_vocab* vocabulary_;
    std::unique_ptr<LlgTokenizer, Releaser<llg_free_tokenizer>> tokenizer_;
};

class Schema {
  public:
    // Fails where `text` is no JSON schema, or one that is not supported.
    static Result<Schema> create(SchemaVocabulary& vocabulary, const std::string& text);

    // Takes the tokens that may not come next out of `candidates`: their logits become -infinity. Throws where there
    // is a fault in the matching.
    void mask(std::span<llama_token_data> candidates);
    // The token that was chosen.
    void accept(Token token);

  private:
    using Matcher = std::unique_ptr<LlgMatcher, Releaser<llg_free_matcher>>;

    explicit Schema(Matcher matcher) : matcher_(std::move(matcher)) {}

    Matcher matcher_;
};

} // namespace vb::engine
