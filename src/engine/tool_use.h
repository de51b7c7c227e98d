// What a request's tools mean for its answer: what it has to obey, and which of it are calls.
#pragma once

#include "engine/call_grammar.h"
#include "engine/model.h"
#include "engine/sampler.h"
#include "engine/tool_calls.h"

#include <optional>

namespace vb::engine {

class ToolUse {
  public:
    // Nothing where the answer cannot have calls. Fails where what is asked for contradicts itself.
    static Result<std::optional<ToolUse>> create(const Model& model, const Request& request);

    // Whether the whole answer is calls.
    bool is_required() const noexcept { return is_required_; }
    // Makes the answer obey what has to be obeyed from its beginning. Fails where a schema is not supported.
    Result<> begin(SchemaVocabulary& schemas, Sampler& sampler);
    // Appends the text of a token that has none, if it marks a call.
    void append_mark(Token token, std::string& piece) const;
    // The next text of the answer: the receiver gets what it completes, and a call that begins has to obey its
    // tool's schema.
    void add(std::string_view text, Receiver& receiver, SchemaVocabulary& schemas, Sampler& sampler);
    void finish(Receiver& receiver) { calls_.finish(receiver); }
    // There may be no more calls.
    bool is_complete() const noexcept { return calls_.is_complete(); }

  private:
    ToolUse(ToolFormat format, std::vector<Tool> tools, std::uint32_t most);
    CallGrammar grammar() const;

    ToolFormat format_;
    std::vector<Tool> tools_;
    std::uint32_t most_;
    ToolCalls calls_;
    std::optional<Token> mark_token_; // where it is a control token
    std::string schema_;              // of the answer
    bool is_required_ = false;
    bool obeys_always_ = false;
    bool obeys_call_ = false;
};

} // namespace vb::engine
