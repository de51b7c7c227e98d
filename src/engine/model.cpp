#include "engine/model.h"

#include "engine/backend.h"
#include "engine/gguf_check.h"
#include "engine/llama_log.h"
#include "engine/memory.h"
#include "engine/threads.h"
#include "trace/timeline.h"

#include <algorithm>
#include <array>
#include <future>
#include <string_view>
#include <utility>

namespace vb::engine {
namespace {

using trace::Span;

bool go_on(float progress, void* control) {
    auto& load = *static_cast<LoadControl*>(control);
    load.progress.store(progress, std::memory_order_relaxed);
    return !load.cancelled.load(std::memory_order_relaxed);
}
// The vocabulary's load counts from 0 to 1 too, in no time.
bool go_on_silently(float /*progress*/, void* control) {
    return !static_cast<LoadControl*>(control)->cancelled.load(std::memory_order_relaxed);
}

template <std::size_t Size>
void copy_text(char (&target)[Size], std::string_view text) {
    target[text.copy(target, Size - 1)] = '\0';
}

// The key-value overrides that make libllama leave the vocabulary out.
std::array<llama_model_kv_override, 3> without_vocabulary(const GgufSummary& summary) {
    std::array<llama_model_kv_override, 3> overrides{}; // the last one, with an empty key, ends the list
    overrides[0].tag = LLAMA_KV_OVERRIDE_TYPE_STR;
    copy_text(overrides[0].key, "tokenizer.ggml.model");
    copy_text(overrides[0].val_str, "none");
    // Without token texts this key says how many there are. Files may lack it.
    overrides[1].tag = LLAMA_KV_OVERRIDE_TYPE_INT;
    copy_text(overrides[1].key, summary.architecture + ".vocab_size");
    overrides[1].val_i64 = static_cast<std::int64_t>(summary.token_count);
    return overrides;
}

std::string token_text(const llama_vocab* vocabulary, llama_token token) {
    const char* const text = token == LLAMA_TOKEN_NULL ? nullptr : llama_vocab_get_text(vocabulary, token);
    return text == nullptr ? std::string() : std::string(text);
}

// A tokenizer that adds a token which it does not have ends the process at the first text.
Result<> check_added_tokens(const std::string& path, const llama_vocab* vocabulary) {
    const auto check = [&](bool is_added, llama_token token, const char* name) -> Result<> {
        if (!is_added || token != LLAMA_TOKEN_NULL) { return {}; }
        return std::unexpected(Error{
            Fault::model_unsupported,
            path + ": its tokenizer adds a token that it does not have, expected tokenizer.ggml." + name});
    };
    const auto type = llama_vocab_type(vocabulary);
    const bool adds = type == LLAMA_VOCAB_TYPE_SPM || type == LLAMA_VOCAB_TYPE_BPE ||
                      type == LLAMA_VOCAB_TYPE_WPM || type == LLAMA_VOCAB_TYPE_UGM;
    const bool separates = type == LLAMA_VOCAB_TYPE_WPM; // others may say so too, but do not
    auto checked =
        check(adds && llama_vocab_get_add_bos(vocabulary), llama_vocab_bos(vocabulary), "bos_token_id");
    if (checked && !separates) {
        checked =
            check(adds && llama_vocab_get_add_eos(vocabulary), llama_vocab_eos(vocabulary), "eos_token_id");
    }
    if (checked && separates) {
        checked =
            check(llama_vocab_get_add_sep(vocabulary), llama_vocab_sep(vocabulary), "seperator_token_id");
    }
    return checked;
}

class Loader {
  public:
    Loader(const Options& options, trace::Timeline& timeline, const base::Log& log, LoadControl& control)
        : options_(options), timeline_(timeline), log_(log), control_(control) {}

    Result<std::unique_ptr<Model>> load();

  private:
    enum class Part : unsigned char { everything, weights, vocabulary };

    Result<GgufSummary> check();
    Result<> check_memory(const GgufSummary& summary);
    Result<> load_parts(const GgufSummary& summary, Model& model);
    Result<> load_parts_at_once(const GgufSummary& summary, Model& model);
    Result<ModelHandle> load_part(Part part, const GgufSummary& summary);
    Result<Context> make_context(llama_model* weights, const GgufSummary& summary);
    Result<> add_context_and_template(const GgufSummary& summary, Model& model);
    void restore_prefix(Model& model);

    const Options& options_;
    trace::Timeline& timeline_;
    const base::Log& log_;
    LoadControl& control_;
    unsigned threads_ = 1;
    bool refused_in_parts_ = false; // by libllama, which may take it as a whole
};

Result<std::unique_ptr<Model>> Loader::load() {
    threads_ = options_.threads != 0 ? options_.threads : usable_threads();
    auto backend = std::async(std::launch::async, [this] {
        const Span span(timeline_, "engine: backend");
        return load_backend(log_);
    });
    const auto summary = check();
    if (!summary) { return std::unexpected(summary.error()); }
    if (auto loaded = backend.get(); !loaded) { return std::unexpected(std::move(loaded.error())); }
    if (auto fits = check_memory(*summary); !fits) { return std::unexpected(std::move(fits.error())); }
    auto model = std::make_unique<Model>();
    model->threads = threads_;
    model->path = options_.model;
    model->header_bytes = summary->header_bytes;
    if (auto loaded = load_parts(*summary, *model); !loaded) {
        return std::unexpected(std::move(loaded.error()));
    }
    model->longest_token = summary->longest_token;
    const llama_vocab* const vocabulary = model->vocabulary();
    if (auto checked = check_added_tokens(options_.model, vocabulary); !checked) {
        return std::unexpected(std::move(checked.error()));
    }
    model->special = {.beginning = token_text(vocabulary, llama_vocab_bos(vocabulary)),
                      .end = token_text(vocabulary, llama_vocab_eos(vocabulary))};
    return model;
}

Result<GgufSummary> Loader::check() {
    const Span span(timeline_, "engine: check");
    auto summary = check_gguf_file(options_.model);
    if (summary && !summary->has_vocabulary()) {
        return std::unexpected(Error{Fault::model_unsupported,
                                     options_.model + ": its tokenizer is \"" + summary->tokenizer +
                                         "\", so that it takes no text; expected a model with a vocabulary"});
    }
    return summary;
}

Result<> Loader::check_memory(const GgufSummary& summary) {
    const Span span(timeline_, "engine: memory");
    if (has_other_devices()) { return {}; } // with memory of their own
    const MemoryNeed need = memory_need(summary, options_);
    const AvailableMemory available = available_memory("");
    // To look for the file in the page cache takes time, and mostly it does not matter.
    const bool is_close = need.all() > available.group;
    return engine::check_memory(options_.model, need, available, is_close ? cached_bytes(options_.model) : 0);
}

Result<> Loader::load_parts(const GgufSummary& summary, Model& model) {
    // On one CPU nothing runs beside, and reading the file's metadata twice costs more than it saves.
    if (threads_ > 1) {
        auto loaded = load_parts_at_once(summary, model);
        if (loaded || !refused_in_parts_ || loaded.error().fault != Fault::model_unsupported ||
            control_.cancelled) {
            return loaded;
        }
        // An architecture that cannot do without its vocabulary, or a bad model: the plain load tells.
        log_.debug("loading with the vocabulary left out failed, loading as a whole");
        model.context.reset(); // refers to the weights
        model.weights.reset();
    }
    auto weights = load_part(Part::everything, summary);
    if (!weights) { return std::unexpected(std::move(weights.error())); }
    model.weights = *std::move(weights);
    return add_context_and_template(summary, model);
}

Result<> Loader::load_parts_at_once(const GgufSummary& summary, Model& model) {
    auto vocabulary = std::async(std::launch::async, [&] { return load_part(Part::vocabulary, summary); });
    auto weights = load_part(Part::weights, summary);
    refused_in_parts_ = !weights;
    if (!weights) { return std::unexpected(std::move(weights.error())); }
    model.weights = *std::move(weights);
    if (auto added = add_context_and_template(summary, model); !added) { return added; }
    auto separate = vocabulary.get();
    refused_in_parts_ = !separate;
    if (!separate) { return std::unexpected(std::move(separate.error())); }
    model.separate_vocabulary = *std::move(separate);
    return {};
}

Result<> Loader::add_context_and_template(const GgufSummary& summary, Model& model) {
    auto context = make_context(model.weights.get(), summary);
    if (!context) { return std::unexpected(std::move(context.error())); }
    model.context = *std::move(context);
    if (!options_.cache.empty() && model.context->can_generate()) { restore_prefix(model); }
    const Span span(timeline_, "engine: chat template");
    auto chat_template = ChatTemplate::parse(summary.chat_template);
    if (!chat_template) {
        const std::string reason = std::move(chat_template.error().message);
        return std::unexpected(Error{chat_template.error().fault, options_.model + ": " + reason});
    }
    model.chat_template = *std::move(chat_template);
    return {};
}

// Whatever is wrong with the file, it only saves time.
void Loader::restore_prefix(Model& model) {
    const Span span(timeline_, "engine: saved prefix");
    const auto fingerprint = model.fingerprint();
    if (!fingerprint) { return log_.notice(base::describe(fingerprint.error())); }
    model.prefix_file.emplace(options_.cache + "/" + name_of_model(options_.model) + ".prefix", *fingerprint);
    auto saved = model.prefix_file->load();
    if (!saved) { return log_.notice(base::describe(saved.error()), "; it will be made again"); }
    if (!saved->has_value()) { return; }
    SavedState& prefix = **saved;
    auto restored = model.context->grow(prefix.tokens.size(), 1);
    if (restored) { restored = model.context->restore(0, prefix.state); }
    if (!restored) { return log_.notice(model.prefix_file->path(), ": ", restored.error().message); }
    model.prefix = std::move(prefix);
}

Result<ModelHandle> Loader::load_part(Part part, const GgufSummary& summary) {
    const Span span(timeline_, part == Part::vocabulary ? "engine: vocabulary" : "engine: weights");
    const LlamaLog llama_log(log_);
    const auto overrides = without_vocabulary(summary);
    llama_model_params parameters = llama_model_default_params();
    parameters.progress_callback = part == Part::vocabulary ? go_on_silently : go_on;
    parameters.progress_callback_user_data = &control_;
    parameters.vocab_only = part == Part::vocabulary;
    if (part == Part::weights) { parameters.kv_overrides = overrides.data(); }
    try {
        ModelHandle model(llama_model_load_from_file(options_.model.c_str(), parameters));
        if (model) { return model; }
    } catch (const std::exception& fault) {
        return std::unexpected(Error{Fault::resources, options_.model + ": " + fault.what()});
    }
    return std::unexpected(
        Error{Fault::model_unsupported, options_.model + ": refused by libllama: " + llama_log.reason()});
}

Result<Context> Loader::make_context(llama_model* weights, const GgufSummary& summary) {
    const Span span(timeline_, "engine: context");
    if (control_.cancelled) { return std::unexpected(Error{Fault::internal, "the load was cancelled"}); }
    if (llama_model_has_encoder(weights) || !llama_model_has_decoder(weights)) {
        return std::unexpected(
            Error{Fault::model_unsupported, options_.model + ": architecture " + summary.architecture +
                                                " does not generate text from a prompt alone"});
    }
    return Context::create(weights, options_, threads_, log_).transform_error([this](Error error) {
        error.message.insert(0, options_.model + ": ");
        return error;
    });
}

} // namespace

std::string name_of_model(std::string_view path) {
    path.remove_prefix(path.rfind('/') + 1); // npos + 1 is 0
    if (path.ends_with(".gguf")) { path.remove_suffix(5); }
    return std::string(path);
}

Result<std::unique_ptr<Model>> load_model(const Options& options, trace::Timeline& timeline,
                                          const base::Log& log, LoadControl& control) {
    try {
        return Loader(options, timeline, log, control).load();
    } catch (const std::exception& fault) { // no memory, no thread
        return std::unexpected(Error{Fault::resources, options.model + ": " + fault.what()});
    }
}

} // namespace vb::engine
