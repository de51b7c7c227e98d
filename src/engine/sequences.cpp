#include "engine/sequences.h"

#include <algorithm>
#include <numeric>

namespace vb::engine {
namespace {

// Worth as much time as it takes to put them aside.
constexpr std::size_t few_tokens = 8;

// Room for a short question with its answer: as little as libllama gives a sequence.
constexpr std::size_t short_answer = 256;

} // namespace

std::size_t common_length(const Tokens& one, std::span<const Token> other) {
    return static_cast<std::size_t>(std::ranges::mismatch(one, other).in1 - one.begin());
}

Sequences::Sequences(Context& context, std::size_t kept, SavedState first, const base::Log& log)
    : context_(context), kept_(kept), log_(log), sequences_(context.parallel()) {
    if (first.tokens.empty()) { return; }
    sequences_.front().held = first.tokens;
    past_.push_front(std::move(first));
}

// How many of `tokens` need not be computed by who gets what is held.
std::size_t Sequences::beginning(const Tokens& held, std::span<const Token> tokens) const {
    const std::size_t length = common_length(held, tokens);
    return context_.can_cut() || length == held.size() ? length : 0;
}

const SavedState* Sequences::find(std::span<const Token> tokens) const {
    const SavedState* best = nullptr;
    std::size_t most = 0;
    for (const SavedState& past : past_) {
        const std::size_t length = beginning(past.tokens, tokens);
        const bool is_shorter = best != nullptr && past.tokens.size() < best->tokens.size();
        if (length > most || (length == most && length > 0 && is_shorter)) {
            most = length;
            best = &past;
        }
    }
    return best;
}

Sequences::Id Sequences::best_sequence(std::span<const Token> tokens) const {
    Id best = -1;
    std::size_t most = 0;
    for (std::size_t at = 0; at < sequences_.size(); ++at) {
        const std::size_t length = beginning(sequences_[at].held, tokens);
        // Of two that hold the same, the one that need not be copied.
        const bool is_nearer =
            best >= 0 && sequences_[index(best)].is_under_way && !sequences_[at].is_under_way;
        if (length > most || (length == most && length > 0 && is_nearer)) {
            most = length;
            best = static_cast<Id>(at);
        }
    }
    return best;
}

void Sequences::expect(std::size_t requests) {
    const auto under_way = std::ranges::count(sequences_, true, &Sequence::is_under_way);
    const auto grown = context_.grow(short_answer, static_cast<std::size_t>(under_way) + requests);
    if (!grown) { log_.info(grown.error().message); } // take() tries it for fewer
}

Sequences::Source Sequences::source_of(std::span<const Token> tokens) const {
    const Id best = best_sequence(tokens);
    const SavedState* const past = find(tokens);
    return {.sequence = best,
            .in_sequence = best < 0 ? 0 : beginning(held(best), tokens),
            .in_past = past == nullptr ? 0 : beginning(past->tokens, tokens)};
}

std::size_t Sequences::available(std::span<const Token> prompt) const {
    const Source source = source_of(prompt.first(prompt.size() - 1));
    return std::max(source.in_sequence, source.in_past);
}

Result<Sequences::Id> Sequences::take(std::span<const Token> prompt) {
    const std::span<const Token> shared = prompt.first(prompt.size() - 1);
    const Source source = source_of(shared);
    const Id best = source.sequence;
    Result<Id> id = best;
    if (best >= 0 && !sequences_[index(best)].is_under_way && source.in_sequence >= source.in_past) {
        sequences_[index(best)].is_under_way = true; // so that it stays when others go to make place
        if (held(best).size() > source.in_sequence + few_tokens) { put_aside(best); }
    } else {
        const std::optional<SavedState> wanted =
            source.in_sequence > source.in_past ? copy_of(best) : std::nullopt;
        id = make_free_one();
        if (!id) { return id; }
        sequences_[index(*id)].is_under_way = true;
        if (wanted) {
            restore(*id, *wanted);
        } else if (const SavedState* const still_there = find(shared)) {
            restore(*id, *still_there);
        }
    }
    cut_to(*id, shared);
    return id;
}

std::optional<SavedState> Sequences::copy_of(Id id) const {
    auto state = context_.state(id);
    if (state) { return SavedState{.tokens = held(id), .state = *std::move(state)}; }
    log_.warning(state.error().message); // what is not there is computed again
    return std::nullopt;
}

void Sequences::put_aside(Id id) {
    if (auto copy = copy_of(id)) { keep(*std::move(copy)); }
}

Sequences::Id Sequences::oldest() const {
    Id found = -1;
    for (std::size_t at = 0; at < context_.sequences(); ++at) {
        const Sequence& sequence = sequences_[at];
        if (sequence.is_under_way || sequence.held.empty()) { continue; }
        if (found < 0 || sequence.last_used < sequences_[index(found)].last_used) {
            found = static_cast<Id>(at);
        }
    }
    return found;
}

Sequences::Id Sequences::free_one() const {
    for (std::size_t at = 0; at < context_.sequences(); ++at) {
        if (!sequences_[at].is_under_way && sequences_[at].held.empty()) { return static_cast<Id>(at); }
    }
    return oldest();
}

Result<Sequences::Id> Sequences::make_free_one() {
    if (free_one() < 0) {
        const auto grown = context_.grow(short_answer, context_.sequences() + 1);
        if (!grown) { return std::unexpected(grown.error()); }
    }
    const Id id = free_one();
    if (!held(id).empty()) {
        put_aside(id);
        clear(id);
    }
    return id;
}

void Sequences::clear(Id id) {
    llama_memory_seq_rm(context_.memory(), id, -1, -1); // also what was computed before it was broken off
    sequences_[index(id)].held.clear();
}

void Sequences::cut_to(Id id, std::span<const Token> tokens) {
    Tokens& held = sequences_[index(id)].held;
    const std::size_t length = beginning(held, tokens);
    if (length == held.size()) { return; }
    if (length == 0) { return clear(id); }
    llama_memory_seq_rm(context_.memory(), id, static_cast<llama_pos>(length), -1);
    held.resize(length);
}

void Sequences::restore(Id id, const SavedState& past) {
    auto restored = context_.grow(past.tokens.size(), context_.sequences());
    if (restored) { restored = context_.restore(id, past.state); }
    if (!restored) { return log_.warning(restored.error().message); } // it is computed again
    sequences_[index(id)].held = past.tokens;
    const auto used = std::ranges::find_if(past_, [&past](const SavedState& one) { return &one == &past; });
    if (used != past_.end()) { past_.splice(past_.begin(), past_, used); }
}

void Sequences::release(Id id) {
    sequences_[index(id)].is_under_way = false;
    sequences_[index(id)].last_used = ++uses_;
    drop_what_is_too_much();
}

Result<Sequences::Id> Sequences::borrow() {
    const Id found = free_one();
    const bool is_usable = found >= 0 && (held(found).empty() ||
                                          (context_.can_cut() && held(found).size() + 2 < context_.size()));
    const Result<Id> id = is_usable ? found : make_free_one();
    if (id) { sequences_[index(*id)].is_under_way = true; }
    return id;
}

void Sequences::give_back(Id id, std::span<const Token> held) {
    cut_to(id, held);
    sequences_[index(id)].is_under_way = false;
}

std::size_t Sequences::tokens() const {
    std::size_t all = 0;
    for (const SavedState& past : past_) {
        all += past.tokens.size();
    }
    for (const Sequence& sequence : sequences_) {
        all += sequence.held.size();
    }
    return all;
}

void Sequences::keep(SavedState computed) {
    if (context_.can_cut()) {
        const auto covers = [&](const SavedState& past) {
            return common_length(past.tokens, computed.tokens) == computed.tokens.size();
        };
        if (const auto same = std::ranges::find_if(past_, covers); same != past_.end()) {
            past_.splice(past_.begin(), past_, same);
            return;
        }
        // A conversation that went on. Much shorter ones are what many begin with, and faster to restore.
        past_.remove_if([&](const SavedState& past) {
            return past.tokens.size() * 2 >= computed.tokens.size() &&
                   common_length(past.tokens, computed.tokens) == past.tokens.size();
        });
    }
    past_.push_front(std::move(computed));
    drop_what_is_too_much();
}

void Sequences::drop_what_is_too_much() {
    std::size_t tokens = 0;
    for (const SavedState& past : past_) {
        tokens += past.tokens.size();
    }
    for (const Sequence& sequence : sequences_) {
        if (!sequence.is_under_way) { tokens += sequence.held.size(); }
    }
    while (tokens > kept_ && !past_.empty()) {
        tokens -= past_.back().tokens.size();
        past_.pop_back();
    }
    while (tokens > kept_) {
        const Id id = oldest();
        tokens -= held(id).size();
        clear(id);
    }
}

void Sequences::computed(Id id, std::span<const Token> tokens) {
    Tokens& held = sequences_[index(id)].held;
    held.insert(held.end(), tokens.begin(), tokens.end());
}

void Sequences::broken_off(Id id, std::span<const Token> tokens) {
    if (!context_.can_cut()) { return clear(id); } // half of a state may be new
    const auto there = static_cast<std::size_t>(llama_memory_seq_pos_max(context_.memory(), id)) + 1;
    const std::size_t before = held(id).size();
    if (there > before) { computed(id, tokens.first(std::min(there - before, tokens.size()))); }
}

} // namespace vb::engine
