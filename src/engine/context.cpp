#include "engine/context.h"

#include "engine/llama_log.h"

#include <algorithm>
#include <bit>
#include <exception>
#include <vector>

namespace vb::engine {
namespace {

// libllama's own number for a physical batch; more would only make its buffers larger.
constexpr std::uint32_t largest_physical_batch = 512;

bool is_set(void* flag) {
    return static_cast<const std::atomic<bool>*>(flag)->load(std::memory_order_relaxed);
}

} // namespace

Result<Context> Context::create(llama_model* weights, const Options& options, unsigned threads,
                                const base::Log& log) {
    Context context(weights, log);
    const auto trained = static_cast<std::uint32_t>(std::max(llama_model_n_ctx_train(weights), 0));
    context.capacity_ = trained == 0 ? options.context : std::min(options.context, trained);
    llama_context_params& parameters = context.parameters_;
    parameters.n_batch = std::max(options.batch, 1U);
    parameters.n_ubatch = std::min(parameters.n_batch, largest_physical_batch);
    parameters.n_outputs_max = 1; // only the last token's logits are ever read
    parameters.n_threads = static_cast<std::int32_t>(threads);
    parameters.n_threads_batch = parameters.n_threads;
    parameters.no_perf = true;
    parameters.swa_full = false;
    auto handle = context.open(options.first_context);
    if (!handle) { return std::unexpected(std::move(handle.error())); }
    context.handle_ = *std::move(handle);
    return context;
}

Result<ContextHandle> Context::open(std::size_t tokens) {
    const LlamaLog llama_log(*log_);
    parameters_.n_ctx = static_cast<std::uint32_t>(std::min(tokens, capacity_));
    const std::string what = "no context of " + std::to_string(parameters_.n_ctx) + " tokens: ";
    try {
        ContextHandle handle(llama_init_from_model(weights_, parameters_));
        if (handle) { return handle; }
    } catch (const std::exception& fault) {
        return std::unexpected(Error{Fault::resources, what + fault.what()});
    }
    return std::unexpected(Error{Fault::resources, what + llama_log.reason()});
}

Result<> Context::make_room(std::size_t tokens) {
    if (tokens <= llama_n_ctx_seq(handle_.get())) { return {}; }
    // To the next power of two, so that a long sequence is copied a few times and not at every token.
    auto larger = open(std::bit_ceil(tokens));
    if (!larger) { return std::unexpected(std::move(larger.error())); }
    if (auto moved = move_state_to(larger->get()); !moved) { return moved; }
    handle_ = *std::move(larger);
    return {};
}

Result<> Context::move_state_to(llama_context* other) const {
    if (llama_memory_seq_pos_max(llama_get_memory(handle_.get()), 0) < 0) { return {}; }
    try {
        std::vector<std::uint8_t> state(llama_state_seq_get_size(handle_.get(), 0));
        const std::size_t size = llama_state_seq_get_data(handle_.get(), state.data(), state.size(), 0);
        if (size > 0 && llama_state_seq_set_data(other, state.data(), size, 0) > 0) { return {}; }
    } catch (const std::exception& fault) { // no memory
        return std::unexpected(
            Error{Fault::resources, std::string("the context cannot grow: ") + fault.what()});
    }
    return std::unexpected(Error{Fault::internal, "libllama did not move the sequence to a larger context"});
}

void Context::interrupt_by(const std::atomic<bool>& flag) noexcept {
    parameters_.abort_callback = is_set; // for those it grows into
    parameters_.abort_callback_data = const_cast<std::atomic<bool>*>(&flag);
    llama_set_abort_callback(handle_.get(), parameters_.abort_callback, parameters_.abort_callback_data);
}

} // namespace vb::engine
