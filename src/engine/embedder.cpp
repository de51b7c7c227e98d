#include "engine/embedder.h"

#include "engine/llama_log.h"
#include "engine/vocabulary.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

namespace vb::engine {

// A text is computed at once: what is pooled over its tokens, and what looks both ways, needs all of them.
Result<> Embedder::make_room(std::size_t tokens) {
    if (handle_ && tokens <= llama_n_ubatch(handle_.get())) { return {}; }
    constexpr std::size_t least = 256;
    llama_context_params parameters = llama_context_default_params();
    parameters.n_ctx =
        static_cast<std::uint32_t>(std::min(std::bit_ceil(std::max(tokens, least)), model_.context->limit()));
    parameters.n_batch = parameters.n_ctx;
    parameters.n_ubatch = parameters.n_ctx;
    parameters.n_threads = static_cast<std::int32_t>(model_.threads);
    parameters.n_threads_batch = parameters.n_threads;
    parameters.embeddings = true;
    parameters.no_perf = true;
    const LlamaLog llama_log(log_);
    std::string reason;
    try {
        handle_.reset();
        handle_.reset(llama_init_from_model(model_.weights.get(), parameters));
        if (handle_ && llama_pooling_type(handle_.get()) == LLAMA_POOLING_TYPE_NONE) {
            parameters.pooling_type = LLAMA_POOLING_TYPE_MEAN; // one vector for a text is what was asked for
            handle_.reset();
            handle_.reset(llama_init_from_model(model_.weights.get(), parameters));
        }
        if (handle_) { return {}; }
        reason = llama_log.reason();
    } catch (const std::exception& fault) { reason = fault.what(); }
    return std::unexpected(Error{Fault::resources, "no context for embeddings: " + reason});
}

Result<> Embedder::add(std::string_view text, Embeddings& embeddings) {
    const auto tokens = tokenize(model_, text, true, model_.context->limit());
    if (!tokens) { return std::unexpected(tokens.error()); }
    if (tokens->empty()) { return refuse("the text to embed is empty"); }
    if (tokens->size() > model_.context->limit()) {
        return std::unexpected(Error{Fault::too_long, "the text to embed has " +
                                                          std::to_string(tokens->size()) +
                                                          " tokens, expected at most the context's " +
                                                          std::to_string(model_.context->limit())});
    }
    if (auto room = make_room(tokens->size()); !room) { return room; }
    if (llama_pooling_type(handle_.get()) == LLAMA_POOLING_TYPE_RANK) {
        return refuse("the model ranks texts and has no embeddings");
    }
    const auto values = compute(*tokens);
    if (!values) { return std::unexpected(values.error()); }
    const std::span vector(*values, embeddings.size);
    const double squares = std::inner_product(vector.begin(), vector.end(), vector.begin(), 0.0);
    const double scale = squares > 0 ? 1 / std::sqrt(squares) : 0;
    for (const float value : vector) {
        embeddings.values.push_back(static_cast<float>(value * scale));
    }
    return {};
}

Result<const float*> Embedder::compute(std::span<const Token> tokens) {
    llama_memory_clear(llama_get_memory(handle_.get()), false);
    Batch batch(tokens.size());
    for (std::size_t at = 0; at < tokens.size(); ++at) {
        batch.add(tokens[at], at, 0, true);
    }
    const std::int32_t status = llama_decode(handle_.get(), batch.get());
    const float* const values = status == 0 ? llama_get_embeddings_seq(handle_.get(), 0) : nullptr;
    if (values == nullptr) {
        return std::unexpected(
            Error{Fault::internal, "libllama computed no embedding, status " + std::to_string(status)});
    }
    tally_.last_step.store(base::monotonic_now(), std::memory_order_relaxed);
    return values;
}

Result<Outcome> Embedder::prove() {
    const Token any = 0;
    return make_room(1).and_then([&] { return compute({&any, 1}); }).transform([](const float*) {
        return Outcome{.finish = Finish::length, .usage = {}};
    });
}

} // namespace vb::engine
