// Which tokens are computed, and where: each request under way has a sequence of the context to itself. What a past one
// computed stays in its sequence until another request needs that, and then lies beside the context as bytes,
// because the next request may begin like it. The least recently used goes first when there is more than is wanted.
// Used by the engine's thread.
#pragma once

#include "engine/context.h"
#include "engine/saved_state.h"

#include <list>
#include <optional>

namespace vb::engine {

// So many tokens do both begin with.
std::size_t common_length(const Tokens& one, std::span<const Token> other);

class Sequences {
  public:
    using Id = llama_seq_id;

    // Of the past, `kept` tokens may stay. Where `first` holds tokens, the context's first sequence holds them already.
    // `context` and `log` outlive it.
    Sequences(Context& context, std::size_t kept, SavedState first, const base::Log& log);

    // Before take() for so many: where there is no memory for them yet, it grows once, not for one after the other.
    void expect(std::size_t requests);
    // How many tokens of `prompt` a sequence for it would hold.
    std::size_t available(std::span<const Token> prompt) const;
    // A sequence for a request that begins with `prompt`; not more at once than the context takes. It holds as much
    // of that beginning as can be had, but never all of it: the last token is computed in any case, for its logits.
    // Fails where there is no memory for another one.
    Result<Id> take(std::span<const Token> prompt);
    // The request has ended; what it held is kept.
    void release(Id id);
    // A sequence for a few tokens after what it holds, which give_back() drops again. All that is kept stays.
    Result<Id> borrow();
    // `held`: what it held.
    void give_back(Id id, std::span<const Token> held);

    // Of all that is computed, and how many there may be at most.
    std::size_t tokens() const;
    std::size_t room() const { return context_.limit() * context_.parallel() + kept_; }

    const Tokens& held(Id id) const { return sequences_[index(id)].held; }
    // Drops what is not the beginning of `tokens`.
    void cut_to(Id id, std::span<const Token> tokens);
    // The context has computed `tokens` after those held.
    void computed(Id id, std::span<const Token> tokens);
    // A computation was broken off: of `tokens` some, from the first on, may have been computed.
    void broken_off(Id id, std::span<const Token> tokens);

    // What beside the context begins like `tokens` for the most part; null: nothing does.
    const SavedState* find(std::span<const Token> tokens) const;
    void keep(SavedState computed);

  private:
    struct Sequence {
        Tokens held;
        bool is_under_way = false;
        std::uint64_t last_used = 0;
    };

    static std::size_t index(Id id) noexcept { return static_cast<std::size_t>(id); }
    std::size_t beginning(const Tokens& held, std::span<const Token> tokens) const;
    Id best_sequence(std::span<const Token> tokens) const;
    // Where the beginning of `tokens` can be had, and how many of them.
    struct Source {
        Id sequence = -1;
        std::size_t in_sequence = 0;
        std::size_t in_past = 0;
    };
    Source source_of(std::span<const Token> tokens) const;
    // Of those that are not under way the least recently used, or an empty one before that. -1: there is none.
    Id oldest() const;
    Id free_one() const;
    Result<Id> make_free_one();
    void clear(Id id);
    std::optional<SavedState> copy_of(Id id) const;
    void put_aside(Id id);
    void restore(Id id, const SavedState& past);
    void drop_what_is_too_much();

    Context& context_;
    const std::size_t kept_;
    const base::Log& log_;
    std::vector<Sequence> sequences_; // as many as there may ever be
    std::list<SavedState> past_;      // the most recently used first
    std::uint64_t uses_ = 0;
};

} // namespace vb::engine
