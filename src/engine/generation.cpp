#include "engine/generation.h"

#include "engine/answer_text.h"
#include "trace/timeline.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <random>
#include <utility>

namespace vb::engine {
namespace {

// libllama counts bytes and tokens in 31 bits; no context holds a prompt of this many bytes.
constexpr std::size_t longest_prompt_text = std::size_t{64} << 20;

std::unexpected<Error> refuse(std::string message) {
    return std::unexpected(Error{Fault::request, std::move(message)});
}

} // namespace

Generator::Generator(std::unique_ptr<Model> model, trace::Timeline& timeline, const base::Log& log,
                     const std::atomic<bool>& interrupted, std::function<void()> between_tokens)
    : model_(std::move(model)), timeline_(&timeline), log_(&log), interrupted_(&interrupted),
      between_tokens_(std::move(between_tokens)), saved_(model_->held), held_(std::move(model_->held)),
      // A sliding window and a recurrent state have already lost what is needed to go back.
      can_reuse_prefix_(llama_model_n_swa(model_->weights.get()) == 0 &&
                        !llama_model_is_recurrent(model_->weights.get()) &&
                        !llama_model_is_hybrid(model_->weights.get())) {
    model_->context->interrupt_by(*interrupted_);
}

void Generator::forget() {
    llama_memory_clear(llama_get_memory(model_->context->get()), false);
    held_.clear();
}

Result<Outcome> Generator::answer(const Request& request, Receiver& receiver) {
    std::optional<trace::Span> span;
    if (std::exchange(first_request_, false)) { span.emplace(*timeline_, "engine: prefill"); }
    auto prompt = prompt_tokens(request.messages);
    if (!prompt) { return std::unexpected(std::move(prompt.error())); }
    keep(std::span(*prompt).first(prompt->size() - 1)); // the last is computed in any case, for its logits
    const Usage usage{.prompt_tokens = static_cast<std::uint32_t>(prompt->size()),
                      .cached_tokens = static_cast<std::uint32_t>(held_.size())};
    const auto done = read(*prompt);
    if (!done) { return std::unexpected(done.error()); }
    span.reset();
    if (!*done) { return Outcome{.finish = Finish::cancelled, .usage = usage}; }
    return generate(request, usage, receiver);
}

void Generator::prepare() {
    if (!model_->prefix_file) { return; }
    const Tokens prefix = common_prefix();
    if (prefix.empty() || prefix == saved_) { return; }
    keep(prefix);
    const auto done = read(prefix);
    if (done && !*done) { return; } // interrupted
    const auto saved = done ? save_prefix() : std::unexpected(done.error());
    if (!saved) { log_->info("the beginning of the prompts is not kept: ", saved.error().message); }
}

Generator::Tokens Generator::common_prefix() const {
    // Texts that no tokenizer begins alike.
    const auto one = prompt_tokens(R"([{"role":"user","content":"A"}])");
    const auto other = prompt_tokens(R"([{"role":"user","content":"1"}])");
    if (!one || !other) { return {}; }
    return {one->begin(), std::ranges::mismatch(*one, *other).in1};
}

Result<> Generator::save_prefix() {
    auto state = model_->context->state();
    if (!state) { return std::unexpected(std::move(state.error())); }
    const auto saved = model_->prefix_file->save({.tokens = held_, .state = *std::move(state)});
    if (!saved) {
        return std::unexpected(Error{Fault::resources, std::string(base::describe(saved.error()).view())});
    }
    saved_ = held_;
    return {};
}

std::unexpected<Error> Generator::refuse_length(const std::string& tokens) const {
    return refuse("the prompt has " + tokens + " tokens, expected less than the context's " +
                  std::to_string(model_->context->capacity()));
}

Result<Generator::Tokens> Generator::prompt_tokens(const std::string& messages) const {
    auto text = model_->chat_template->render(messages, model_->special);
    if (!text) { return std::unexpected(std::move(text.error())); }
    // Where the tokenizer adds these tokens itself, the template's own would be the second.
    const SpecialTexts& special = model_->special;
    std::string_view view = *text;
    const llama_vocab* const vocabulary = model_->vocabulary();
    if (llama_vocab_get_add_bos(vocabulary) && !special.beginning.empty() &&
        view.starts_with(special.beginning)) {
        view.remove_prefix(special.beginning.size());
    }
    if (llama_vocab_get_add_eos(vocabulary) && !special.end.empty() && view.ends_with(special.end)) {
        view.remove_suffix(special.end.size());
    }
    auto tokens = tokenize(view);
    if (!tokens) { return tokens; }
    if (tokens->empty()) { return refuse("the prompt is empty"); }
    if (tokens->size() >= model_->context->capacity()) {
        return refuse_length(std::to_string(tokens->size()));
    }
    return tokens;
}

Result<Generator::Tokens> Generator::tokenize(std::string_view text) const {
    if (text.size() > longest_prompt_text) {
        return refuse("the prompt has " + std::to_string(text.size()) + " bytes, expected at most " +
                      std::to_string(longest_prompt_text));
    }
    // Tokenizing takes seconds for megabytes, which no context holds anyway.
    const std::uint64_t least = text.size() / std::max<std::uint64_t>(model_->longest_token, 1);
    if (least >= model_->context->capacity()) { return refuse_length("at least " + std::to_string(least)); }
    const auto run = [&](Tokens& tokens) {
        return llama_tokenize(model_->vocabulary(), text.data(), static_cast<std::int32_t>(text.size()),
                              tokens.data(), static_cast<std::int32_t>(tokens.size()), true, true);
    };
    Tokens tokens(text.size() / 2 + 16);
    std::int32_t count = run(tokens);
    if (count == std::numeric_limits<std::int32_t>::min()) {
        return refuse("the prompt has too many tokens");
    }
    if (count < 0) {
        tokens.resize(static_cast<std::size_t>(-count));
        count = run(tokens);
    }
    tokens.resize(static_cast<std::size_t>(std::max(count, 0)));
    return tokens;
}

void Generator::keep(std::span<const llama_token> tokens) {
    const auto same = std::ranges::mismatch(held_, tokens).in1 - held_.begin();
    if (same == std::ssize(held_)) { return; }
    llama_memory_t memory = llama_get_memory(model_->context->get());
    if (can_reuse_prefix_ && same > 0 && llama_memory_seq_rm(memory, 0, static_cast<llama_pos>(same), -1)) {
        held_.resize(static_cast<std::size_t>(same));
    } else {
        forget();
    }
}

Result<bool> Generator::read(std::span<const llama_token> tokens) {
    if (auto room = model_->context->make_room(tokens.size()); !room) { // at once, not batch by batch
        return std::unexpected(std::move(room.error()));
    }
    std::span<const llama_token> rest = tokens.subspan(held_.size());
    const std::size_t batch = llama_n_batch(model_->context->get());
    while (!rest.empty()) {
        const auto now = rest.first(std::min(batch, rest.size()));
        if (auto decoded = decode(now); !decoded || !*decoded) { return decoded; }
        rest = rest.subspan(now.size());
    }
    return true;
}

Result<bool> Generator::decode(std::span<const llama_token> tokens) {
    if (interrupted_->load(std::memory_order_relaxed)) { return false; }
    if (auto room = model_->context->make_room(held_.size() + tokens.size()); !room) {
        return std::unexpected(std::move(room.error()));
    }
    // llama_decode does not write to the tokens, but its batch type serves other purposes too.
    auto* const data = const_cast<llama_token*>(tokens.data());
    const std::int32_t status = llama_decode(
        model_->context->get(), llama_batch_get_one(data, static_cast<std::int32_t>(tokens.size())));
    if (status == 0) {
        held_.insert(held_.end(), tokens.begin(), tokens.end());
        return true;
    }
    forget(); // part of the batch may be in memory
    if (status == 2) { return false; }
    return std::unexpected(
        Error{Fault::internal, "llama_decode failed with status " + std::to_string(status)});
}

SamplerHandle Generator::sampler(const Sampling& sampling) const {
    const llama_vocab* const vocabulary = model_->vocabulary();
    SamplerHandle chain(llama_sampler_chain_init(llama_sampler_chain_params{.no_perf = true}));
    const auto add = [&](llama_sampler* stage) { llama_sampler_chain_add(chain.get(), stage); };

    std::int32_t suppressed_count = 0;
    const llama_token* const suppressed = llama_vocab_get_suppress_tokens(vocabulary, &suppressed_count);
    if (suppressed_count > 0) {
        std::vector<llama_logit_bias> biases;
        biases.reserve(static_cast<std::size_t>(suppressed_count));
        for (const llama_token token : std::span(suppressed, static_cast<std::size_t>(suppressed_count))) {
            biases.push_back({token, -std::numeric_limits<float>::infinity()});
        }
        add(llama_sampler_init_logit_bias(llama_vocab_n_tokens(vocabulary), suppressed_count, biases.data()));
    }
    if (sampling.temperature <= 0) {
        add(llama_sampler_init_greedy());
        return chain;
    }
    const auto top_k = std::min<std::uint32_t>(sampling.top_k, std::numeric_limits<std::int32_t>::max());
    if (top_k > 0) { add(llama_sampler_init_top_k(static_cast<std::int32_t>(top_k))); }
    if (sampling.top_p < 1) { add(llama_sampler_init_top_p(sampling.top_p, 1)); }
    if (sampling.min_p > 0) { add(llama_sampler_init_min_p(sampling.min_p, 1)); }
    add(llama_sampler_init_temp(sampling.temperature));
    add(llama_sampler_init_dist(sampling.seed)); // libllama draws a seed itself for 0xFFFFFFFF
    return chain;
}

std::string_view Generator::piece(llama_token token) {
    const auto run = [&] {
        return llama_token_to_piece(model_->vocabulary(), token, piece_.data(),
                                    static_cast<std::int32_t>(piece_.size()), 0, false);
    };
    if (piece_.size() < 64) { piece_.resize(64); }
    std::int32_t size = run();
    if (size < 0) {
        piece_.resize(static_cast<std::size_t>(-size));
        size = run();
    }
    return std::string_view(piece_).substr(0, static_cast<std::size_t>(std::max(size, 0)));
}

Result<Outcome> Generator::generate(const Request& request, Usage usage, Receiver& receiver) {
    const SamplerHandle chain = sampler(request.sampling);
    AnswerText text(request.stop);
    Outcome outcome{.usage = usage};
    const auto send = [&receiver](const std::string& piece) {
        if (!piece.empty()) { receiver.text(piece); }
    };
    for (;;) {
        between_tokens_();
        if (interrupted_->load(std::memory_order_relaxed)) {
            outcome.finish = Finish::cancelled;
            break;
        }
        const llama_token token = llama_sampler_sample(chain.get(), model_->context->get(), -1);
        ++outcome.usage.completion_tokens; // the one that ends the answer included, as llama-server counts
        if (llama_vocab_is_eog(model_->vocabulary(), token)) {
            outcome.finish = Finish::stop;
            break;
        }
        send(text.add(piece(token)));
        if (text.stopped()) {
            outcome.finish = Finish::stop;
            break;
        }
        if (outcome.usage.completion_tokens == request.max_tokens ||
            held_.size() >= model_->context->capacity()) {
            outcome.finish = Finish::length;
            break;
        }
        const auto decoded = decode(std::span(&token, 1));
        if (!decoded) { return std::unexpected(decoded.error()); }
        if (!*decoded) {
            outcome.finish = Finish::cancelled;
            break;
        }
    }
    send(text.finish());
    return outcome;
}

} // namespace vb::engine
