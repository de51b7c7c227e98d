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

// libllama writes a mark and the sequence, then how many sequences the context takes, and for each how many cells
// follow: none but for the sequence itself. A SequenceState has all but these counts, so that it fits contexts of
// any size.
using Count = std::uint32_t;
constexpr std::size_t mark_bytes = 2 * sizeof(Count);

struct Counts {
    std::vector<Count> before; // the cells of the sequence
    std::vector<Count> after;

    Counts(llama_seq_id sequence, std::size_t sequences)
        : before(static_cast<std::size_t>(sequence) + 1), after(sequences - before.size()) {
        before[0] = static_cast<Count>(sequences);
    }
    std::span<const std::uint8_t> bytes_before() const { return bytes(before); }
    std::span<const std::uint8_t> bytes_after() const { return bytes(after); }

  private:
    static std::span<const std::uint8_t> bytes(const std::vector<Count>& counts) {
        return {reinterpret_cast<const std::uint8_t*>(counts.data()), counts.size() * sizeof(Count)};
    }
};

Result<SequenceState> without_counts(std::span<const std::uint8_t> raw, llama_seq_id sequence,
                                     std::size_t sequences) {
    const Counts counts(sequence, sequences);
    const auto before = counts.bytes_before();
    const auto after = counts.bytes_after();
    if (raw.size() < mark_bytes + before.size() + after.size() ||
        !std::ranges::equal(raw.subspan(mark_bytes, before.size()), before) ||
        !std::ranges::equal(raw.last(after.size()), after)) {
        return std::unexpected(
            Error{Fault::internal, "libllama wrote the state of a sequence in a way that is not known"});
    }
    SequenceState state;
    state.append_range(raw.first(mark_bytes));
    const std::size_t cells = raw.size() - mark_bytes - before.size() - after.size();
    state.append_range(raw.subspan(mark_bytes + before.size(), cells));
    return state;
}

SequenceState with_counts(std::span<const std::uint8_t> state, llama_seq_id sequence, std::size_t sequences) {
    const Counts counts(sequence, sequences);
    SequenceState raw;
    raw.reserve(state.size() + counts.bytes_before().size() + counts.bytes_after().size());
    raw.append_range(state.first(std::min(mark_bytes, state.size())));
    raw.append_range(counts.bytes_before());
    raw.append_range(state.subspan(std::min(mark_bytes, state.size())));
    raw.append_range(counts.bytes_after());
    return raw;
}

} // namespace

Result<Context> Context::create(llama_model* weights, const Options& options, unsigned threads,
                                const base::Log& log) {
    Context context(weights, log);
    const auto trained = static_cast<std::uint32_t>(std::max(llama_model_n_ctx_train(weights), 0));
    context.limit_ = trained == 0 ? options.context : std::min(options.context, trained);
    context.parallel_ = std::clamp(options.parallel, 1U, Options::most_parallel);
    const bool has_recurrent_state = llama_model_is_recurrent(weights) || llama_model_is_hybrid(weights);
    context.can_cut_ = llama_model_n_swa(weights) == 0 && !has_recurrent_state;
    const auto parallel = static_cast<std::uint32_t>(context.parallel_);
    llama_context_params& parameters = context.parameters_;
    parameters.n_batch = std::max(options.batch, parallel);
    parameters.n_outputs_max = parallel; // of each sequence only the last token's logits are read
    parameters.kv_unified = false;
    parameters.n_threads = static_cast<std::int32_t>(threads);
    parameters.n_threads_batch = parameters.n_threads;
    parameters.no_perf = true;
    parameters.swa_full = false;
    const std::size_t sequences = context.can_cut_ ? 1 : parallel; // other states fit one number of them only
    auto handle = context.open(options.first_context, sequences);
    if (!handle) { return std::unexpected(std::move(handle.error())); }
    context.handle_ = *std::move(handle);
    parameters.n_seq_max = static_cast<std::uint32_t>(sequences);
    return context;
}

Result<ContextHandle> Context::open(std::size_t tokens, std::size_t sequences) {
    const LlamaLog llama_log(*log_);
    // In a context that is smaller than a batch libllama would compute smaller ones.
    const std::size_t cells =
        std::max<std::size_t>(std::min(tokens, limit_) * sequences, parameters_.n_batch);
    llama_context_params parameters = parameters_;
    parameters.n_ctx = static_cast<std::uint32_t>(cells);
    parameters.n_seq_max = static_cast<std::uint32_t>(sequences);
    parameters.n_ubatch = std::min(parameters.n_batch, largest_physical_batch);
    const std::string what = "no context of " + std::to_string(sequences) + " x " +
                             std::to_string(cells / sequences) + " tokens: ";
    try {
        ContextHandle handle(llama_init_from_model(weights_, parameters));
        if (handle) { return handle; }
    } catch (const std::exception& fault) {
        return std::unexpected(Error{Fault::resources, what + fault.what()});
    }
    return std::unexpected(Error{Fault::resources, what + llama_log.reason()});
}

std::size_t Context::longest() const noexcept {
    std::size_t most = 0;
    for (llama_seq_id sequence = 0; std::cmp_less(sequence, sequences()); ++sequence) {
        const llama_pos last = llama_memory_seq_pos_max(memory(), sequence); // -1: it holds none
        if (last >= 0) { most = std::max(most, static_cast<std::size_t>(last) + 1); }
    }
    return most;
}

Result<> Context::grow(std::size_t tokens, std::size_t sequences) {
    tokens = std::min(tokens, limit_);
    sequences = std::min(sequences, parallel_);
    if (tokens <= size() && sequences <= this->sequences()) { return {}; }
    // To the next powers of two, so that long sequences are copied a few times and not at every token.
    sequences = std::min(std::max(std::bit_ceil(sequences), this->sequences()), parallel_);
    // Room that one sequence has had is not what each of many needs; clearing it would hold up all of them.
    auto larger = open(std::bit_ceil(std::max(tokens, longest())), sequences);
    if (!larger) { return std::unexpected(std::move(larger.error())); }
    std::swap(handle_, *larger); // `larger` is the smaller one now
    const std::size_t fewer = std::exchange(parameters_.n_seq_max, static_cast<std::uint32_t>(sequences));
    for (llama_seq_id sequence = 0; std::cmp_less(sequence, fewer); ++sequence) {
        if (llama_memory_seq_pos_max(llama_get_memory(larger->get()), sequence) < 0) { continue; }
        const auto held = state_of(larger->get(), sequence, fewer);
        const auto restored = held ? restore(sequence, *held) : std::unexpected(held.error());
        if (!restored) {
            std::swap(handle_, *larger);
            parameters_.n_seq_max = static_cast<std::uint32_t>(fewer);
            return restored;
        }
    }
    return {};
}

Result<SequenceState> Context::state_of(llama_context* context, llama_seq_id sequence,
                                        std::size_t sequences) const {
    try {
        SequenceState raw(llama_state_seq_get_size(context, sequence));
        raw.resize(llama_state_seq_get_data(context, raw.data(), raw.size(), sequence));
        if (!raw.empty()) { return can_cut_ ? without_counts(raw, sequence, sequences) : raw; }
    } catch (const std::exception& fault) { // no memory
        return std::unexpected(Error{Fault::resources, std::string("a sequence's state: ") + fault.what()});
    }
    return std::unexpected(Error{Fault::internal, "libllama gave no state of the sequence"});
}

Result<SequenceState> Context::state(llama_seq_id sequence) const {
    return state_of(handle_.get(), sequence, sequences());
}

Result<> Context::restore(llama_seq_id sequence, std::span<const std::uint8_t> state) {
    const LlamaLog llama_log(*log_);
    std::string reason = llama_log.reason();
    try {
        const SequenceState raw =
            can_cut_ ? with_counts(state, sequence, sequences()) : SequenceState(state.begin(), state.end());
        if (llama_state_seq_set_data(handle_.get(), raw.data(), raw.size(), sequence) > 0) { return {}; }
        reason = llama_log.reason();
    } catch (const std::exception& fault) { reason = fault.what(); }
    llama_memory_seq_rm(memory(), sequence, -1, -1);
    return std::unexpected(Error{Fault::internal, "libllama did not restore a sequence's state: " + reason});
}

std::string Context::settings() const {
    std::ostringstream text;
    text << "libllama " << llama_version() << " ggml " << ggml_version() << ' ' << ggml_commit() << " keys "
         << parameters_.type_k << " values " << parameters_.type_v << " flash " << parameters_.flash_attn_type
         << " batch " << parameters_.n_batch << ' ' << parameters_.n_ubatch << " unified "
         << parameters_.kv_unified << " window " << parameters_.swa_full << " code " << backend_variant();
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
