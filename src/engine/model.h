// A loaded model: weights, vocabulary, context and chat template, by the shortest way that libllama allows.
// libllama spends most of a load on the vocabulary, so the weights are loaded with none, and a second model
// that is nothing but a vocabulary loads meanwhile on another thread.
#pragma once

#include "base/log.h"
#include "engine/chat_template.h"
#include "engine/context.h"
#include "engine/engine.h"
#include "engine/error.h"
#include "engine/llama_handles.h"
#include "engine/saved_state.h"

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vb::engine {

struct Model {
    ModelHandle weights;
    ModelHandle separate_vocabulary; // empty when the weights were loaded with theirs
    std::optional<Context> context;  // refers to weights, so it goes first
    std::optional<ChatTemplate> chat_template;
    SpecialTexts special;
    std::uint64_t longest_token = 0; // bytes of text that one token stands for at most
    unsigned threads = 1;
    std::string path;                     // of its file
    std::uint64_t header_bytes = 0;       // of its file
    std::optional<StateFile> prefix_file; // of what every prompt begins with
    SavedState prefix;                    // of it: the context's first sequence holds it already

    // What its computed states depend on.
    base::Result<Fingerprint> fingerprint() const {
        return engine::fingerprint(path, header_bytes, context->settings());
    }
    const llama_vocab* vocabulary() const {
        return llama_model_get_vocab(separate_vocabulary ? separate_vocabulary.get() : weights.get());
    }
};

// The file's name without directory and ".gguf".
std::string name_of_model(std::string_view path);

// How a load goes, for other threads.
struct LoadControl {
    std::atomic<bool> cancelled =
        false; // ends it early; the error then does not matter, since nobody waits for it
    std::atomic<float> progress = 0; // from 0 to 1
};

Result<std::unique_ptr<Model>> load_model(const Options& options, trace::Timeline& timeline,
                                          const base::Log& log, LoadControl& control);

} // namespace vb::engine
