// Answers that obey a JSON schema, or a grammar with schemas in it: which tokens may come next, by llguidance. Of the
// schema language it refuses what it does not know, by name; it bounds its own time and memory.
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

// The schema, and that there is little white space where JSON allows for it.
std::string with_bounded_white_space(std::string schema);

class Schema {
  public:
    // Fails where `text` is no JSON schema, or one that is not supported.
    static Result<Schema> create(SchemaVocabulary& vocabulary, const std::string& text);
    // `grammar` is llguidance's kind of Lark, and `what` is at fault where it, or a schema in it, is not supported.
    // `begun` is the beginning of the text that obeys it.
    static Result<Schema> of_grammar(SchemaVocabulary& vocabulary, const std::string& grammar,
                                     std::string_view what, std::string_view begun = {});

    // Takes the tokens that may not come next out of `candidates`: their logits become -infinity. Throws where there
    // is a fault in the matching.
    void mask(std::span<llama_token_data> candidates);
    // The token that was chosen.
    void accept(Token token);

  private:
    using Matcher = std::unique_ptr<LlgMatcher, Releaser<llg_free_matcher>>;

    static Result<Schema> create(SchemaVocabulary& vocabulary, const char* kind, const std::string& text,
                                 std::string_view what);
    explicit Schema(Matcher matcher) : matcher_(std::move(matcher)) {}

    Matcher matcher_;
};

} // namespace vb::engine
