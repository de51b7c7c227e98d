#include "engine/context.h"

#include "engine/backend.h"
#include "engine/llama_log.h"

#include <ggml-backend.h>

#include <algorithm>
#include <bit>
#include <exception>
#include <sstream>
#include <utility>

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
    const bool is_empty = llama_memory_seq_pos_max(llama_get_memory(handle_.get()), 0) < 0;
    Result<std::vector<std::uint8_t>> held;
    if (!is_empty) { held = state(); }
    if (!held) { return std::unexpected(std::move(held.error())); }
    auto larger = open(std::bit_ceil(tokens));
    if (!larger) { return std::unexpected(std::move(larger.error())); }
    std::swap(handle_, *larger);
    if (is_empty) { return {}; }
    auto restored = restore(*held);
    if (!restored) { std::swap(handle_, *larger); }
    return restored;
}

Result<std::vector<std::uint8_t>> Context::state() const {
    try {
        std::vector<std::uint8_t> state(llama_state_seq_get_size(handle_.get(), 0));
        state.resize(llama_state_seq_get_data(handle_.get(), state.data(), state.size(), 0));
        if (!state.empty()) { return state; }
    } catch (const std::exception& fault) { // no memory
        return std::unexpected(Error{Fault::resources, std::string("the context's state: ") + fault.what()});
    }
    return std::unexpected(Error{Fault::internal, "libllama gave no state of the sequence"});
}

Result<> Context::restore(std::span<const std::uint8_t> state) {
    const LlamaLog llama_log(*log_);
    std::string reason = llama_log.reason();
    try {
        if (llama_state_seq_set_data(handle_.get(), state.data(), state.size(), 0) > 0) { return {}; }
        reason = llama_log.reason();
    } catch (const std::exception& fault) { reason = fault.what(); }
    llama_memory_clear(llama_get_memory(handle_.get()), false);
    return std::unexpected(Error{Fault::internal, "libllama did not restore a sequence's state: " + reason});
}

std::string Context::settings() const {
    std::ostringstream text;
    text << "libllama " << llama_version() << " ggml " << ggml_version() << ' ' << ggml_commit() << " keys "
         << parameters_.type_k << " values " << parameters_.type_v << " flash " << parameters_.flash_attn_type
         << " batch " << parameters_.n_batch << ' ' << parameters_.n_ubatch << " window "
         << parameters_.swa_full << " code " << backend_variant();
    for (std::size_t index = 0; index < ggml_backend_dev_count(); ++index) {
        text << " device " << ggml_backend_dev_name(ggml_backend_dev_get(index));
    }
    return text.str();
}

void Context::interrupt_by(const std::atomic<bool>& flag) noexcept {
    parameters_.abort_callback = is_set; // for those it grows into
    parameters_.abort_callback_data = const_cast<std::atomic<bool>*>(&flag);
    llama_set_abort_callback(handle_.get(), parameters_.abort_callback, parameters_.abort_callback_data);
}

} // namespace vb::engine
