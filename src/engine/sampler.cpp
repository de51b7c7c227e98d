#include "engine/sampler.h"

#include "engine/gbnf_check.h"
#include "engine/llama_log.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

namespace vb::engine {
namespace {

Token likeliest(std::span<const float> logits) {
    // Two passes that the compiler turns into vector code, where max_element compares one by one.
    float most = -std::numeric_limits<float>::infinity();
    for (const float logit : logits) {
        most = std::max(most, logit);
    }
    return static_cast<Token>(std::ranges::find(logits, most) - logits.begin());
}

bool is_token(const llama_vocab* vocabulary, std::string_view text) {
    llama_token tokens[2];
    return llama_tokenize(vocabulary, text.data(), static_cast<std::int32_t>(text.size()), tokens, 2, false,
                          true) == 1;
}

Result<SamplerHandle> grammar_sampler(const llama_vocab* vocabulary, const std::string& grammar) {
    auto checked = check_gbnf(grammar, [&](std::string_view text) { return is_token(vocabulary, text); });
    if (!checked) { return std::unexpected(std::move(checked.error())); }
    const base::Log silent(-1, "", base::Level::error);
    const LlamaLog llama_log(silent);
    std::string reason;
    try {
        SamplerHandle sampler(llama_sampler_init_grammar(vocabulary, grammar.c_str(), "root"));
        if (sampler) { return sampler; }
        reason = llama_log.reason();
    } catch (const std::exception& fault) { reason = fault.what(); }
    return refuse("grammar: libllama refused it: " + reason);
}

// What must never be chosen, and what the request wants more or less of.
std::vector<llama_logit_bias> biases(const llama_vocab* vocabulary, const Sampling& sampling) {
    std::vector<llama_logit_bias> all;
    std::int32_t count = 0;
    const llama_token* const suppressed = llama_vocab_get_suppress_tokens(vocabulary, &count);
    for (const llama_token token : std::span(suppressed, static_cast<std::size_t>(std::max(count, 0)))) {
        all.push_back({token, -std::numeric_limits<float>::infinity()});
    }
    for (const LogitBias& one : sampling.logit_bias) {
        all.push_back({one.token, one.bias});
    }
    return all;
}

} // namespace

Result<Sampler> Sampler::create(const llama_vocab* vocabulary, SchemaVocabulary& schemas,
                                const Sampling& sampling, std::span<const Token> prompt) {
    Sampler sampler;
    const std::int32_t tokens = llama_vocab_n_tokens(vocabulary);
    for (const LogitBias& one : sampling.logit_bias) {
        if (one.token < 0 || one.token >= tokens || std::isnan(one.bias)) {
            return refuse("logit_bias: token " + std::to_string(one.token) +
                          ": expected a number from 0 to " + std::to_string(tokens - 1));
        }
    }
    if (!sampling.grammar.empty()) {
        auto grammar = grammar_sampler(vocabulary, sampling.grammar);
        if (!grammar) { return std::unexpected(std::move(grammar.error())); }
        sampler.grammar_ = *std::move(grammar);
    }
    if (!sampling.schema.empty()) {
        if (sampler.grammar_) { return refuse("expected a grammar or a schema, found both"); }
        auto schema = Schema::create(schemas, sampling.schema);
        if (!schema) { return std::unexpected(std::move(schema.error())); }
        sampler.schema_ = *std::move(schema);
    }
    const std::vector<llama_logit_bias> biased = biases(vocabulary, sampling);
    const bool penalizes =
        sampling.penalty_tokens > 0 &&
        (sampling.repeat_penalty != 1 || sampling.frequency_penalty != 0 || sampling.presence_penalty != 0);
    sampler.is_greedy_ = sampling.temperature <= 0;
    if (sampler.is_greedy_ && biased.empty() && !penalizes && !sampler.grammar_ && !sampler.schema_) {
        return sampler;
    }

    sampler.chain_.reset(llama_sampler_chain_init(llama_sampler_chain_params{.no_perf = true}));
    const auto add = [&](llama_sampler* stage) { llama_sampler_chain_add(sampler.chain_.get(), stage); };
    constexpr std::uint32_t most = std::numeric_limits<std::int32_t>::max();
    if (!biased.empty()) {
        add(llama_sampler_init_logit_bias(tokens, static_cast<std::int32_t>(biased.size()), biased.data()));
    }
    if (penalizes) {
        add(llama_sampler_init_penalties(
            tokens, static_cast<std::int32_t>(std::min(sampling.penalty_tokens, most)),
            sampling.repeat_penalty, sampling.frequency_penalty, sampling.presence_penalty));
    }
    if (sampler.is_greedy_) {
        add(llama_sampler_init_greedy());
    } else {
        if (sampling.top_k > 0) {
            add(llama_sampler_init_top_k(static_cast<std::int32_t>(std::min(sampling.top_k, most))));
        }
        if (sampling.top_p < 1) { add(llama_sampler_init_top_p(sampling.top_p, 1)); }
        if (sampling.min_p > 0) { add(llama_sampler_init_min_p(sampling.min_p, 1)); }
        add(llama_sampler_init_temp(sampling.temperature));
        add(llama_sampler_init_dist(sampling.seed)); // libllama draws a seed itself for 0xFFFFFFFF
    }
    for (const Token token : prompt.last(std::min<std::size_t>(prompt.size(), sampling.penalty_tokens))) {
        llama_sampler_accept(sampler.chain_.get(), token);
    }
    return sampler;
}

void Sampler::obey(std::optional<Schema> schema) {
    schema_ = std::move(schema);
    if (chain_ || !schema_) { return; }
    chain_.reset(llama_sampler_chain_init(llama_sampler_chain_params{.no_perf = true}));
    llama_sampler_chain_add(chain_.get(), llama_sampler_init_greedy());
}

Token Sampler::choose_from_all(std::span<const float> logits, bool obeys) {
    candidates_.resize(logits.size());
    for (std::size_t token = 0; token < logits.size(); ++token) {
        candidates_[token] = {static_cast<Token>(token), logits[token], 0};
    }
    llama_token_data_array array{candidates_.data(), candidates_.size(), -1, false};
    if (obeys && grammar_) { llama_sampler_apply(grammar_.get(), &array); }
    if (obeys && schema_) { schema_->mask(candidates_); }
    llama_sampler_apply(chain_.get(), &array);
    const llama_token_data& selected = array.data[array.selected];
    // To tell libllama's grammar of a token that it forbids would abort the process.
    if (obeys && std::isinf(selected.logit)) { throw std::runtime_error("no token of the model fits here"); }
    return selected.id;
}

Token Sampler::choose(std::span<const float> logits) {
    if (!chain_) { return likeliest(logits); }
    Token token = choose_from_all(logits, schema_.has_value());
    if (grammar_) {
        // To ask the grammar about one token is cheap, about all of them is not: mostly the first one will do.
        llama_token_data one{token, 1, 0};
        llama_token_data_array array{&one, 1, -1, false};
        llama_sampler_apply(grammar_.get(), &array);
        if (std::isinf(one.logit)) { token = choose_from_all(logits, true); }
        llama_sampler_accept(grammar_.get(), token);
    }
    if (schema_) { schema_->accept(token); }
    llama_sampler_accept(chain_.get(), token);
    return token;
}

ChosenToken probabilities(std::span<const float> logits, Token token, std::size_t count) {
    const float most = *std::ranges::max_element(logits);
    double sum = 0;
    for (const float logit : logits) {
        sum += std::exp(static_cast<double>(logit - most));
    }
    const double all = most + std::log(sum);
    const auto probability = [&](Token one) {
        return TokenProbability{.token = one,
                                .logprob = static_cast<float>(logits[static_cast<std::size_t>(one)] - all),
                                .bytes = {}};
    };
    std::vector<Token> order(logits.size());
    std::iota(order.begin(), order.end(), 0);
    const auto end = order.begin() + static_cast<std::ptrdiff_t>(std::min(count, order.size()));
    std::ranges::partial_sort(order, end, std::ranges::greater(),
                              [&](Token one) { return logits[static_cast<std::size_t>(one)]; });
    ChosenToken chosen{.chosen = probability(token), .alternatives = {}};
    for (auto one = order.begin(); one != end; ++one) {
        chosen.alternatives.push_back(probability(*one));
    }
    return chosen;
}

} // namespace vb::engine
