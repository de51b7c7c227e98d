// The Scheduler's part with files: what every prompt begins with, and saved conversations.
#include "engine/scheduler.h"
#include "engine/vocabulary.h"

#include <algorithm>
#include <cerrno>
#include <sys/stat.h>
#include <utility>

namespace vb::engine {

Tokens Scheduler::common_prefix() const {
    // Texts that no tokenizer begins alike.
    const std::size_t limit = model_->context->limit();
    const auto one = prompt_tokens(*model_, Messages{R"([{"role":"user","content":"A"}])"}, limit, false);
    const auto other = prompt_tokens(*model_, Messages{R"([{"role":"user","content":"1"}])"}, limit, false);
    if (!one || !other) { return {}; }
    return {one->begin(), std::ranges::mismatch(*one, *other).in1};
}

void Scheduler::prepare() {
    if (!model_->prefix_file) { return; }
    Tokens prefix = common_prefix();
    if (prefix.empty() || prefix == saved_) { return; }
    prefix.push_back(
        LLAMA_TOKEN_NULL); // the last token of a prompt is never shared, and of this one none is left
    const auto sequence = sequences_.take(prefix);
    if (!sequence) { return; }
    prefix.pop_back();
    if (read(*sequence, prefix)) {
        const auto saved = save_prefix(*sequence);
        if (!saved) { log_.info("the beginning of the prompts is not kept: ", saved.error().message); }
    }
    sequences_.release(*sequence);
}

// False: it was interrupted, or there is no room.
bool Scheduler::read(Sequences::Id sequence, std::span<const Token> tokens) {
    if (!model_->context->grow(tokens.size(), model_->context->sequences())) { return false; }
    while (sequences_.held(sequence).size() < tokens.size()) {
        const std::size_t held = sequences_.held(sequence).size();
        const auto now =
            tokens.subspan(held, std::min<std::size_t>(tokens.size() - held, model_->context->batch()));
        batch_.clear();
        for (std::size_t at = 0; at < now.size(); ++at) {
            batch_.add(now[at], held + at, sequence, false);
        }
        const std::int32_t status = decode();
        if (status != 0) {
            sequences_.broken_off(sequence, now);
            return false;
        }
        sequences_.computed(sequence, now);
    }
    return true;
}

Result<> Scheduler::save_prefix(Sequences::Id sequence) {
    auto state = model_->context->state(sequence);
    if (!state) { return std::unexpected(std::move(state.error())); }
    const auto refuse = [](const base::Error& error) {
        return std::unexpected(Error{Fault::resources, std::string(base::describe(error).view())});
    };
    const std::string& path = model_->prefix_file->path();
    const std::string directory = path.substr(0, path.rfind('/'));
    if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) {
        return refuse(base::system_error("make the directory", directory).error());
    }
    const Tokens& held = sequences_.held(sequence);
    if (auto saved = model_->prefix_file->save({.tokens = held, .state = *std::move(state)}); !saved) {
        return refuse(saved.error());
    }
    saved_ = held;
    return {};
}

Result<> Scheduler::save(const std::string& messages, const std::string& path) {
    const auto file = state_file(path);
    if (!file) { return std::unexpected(file.error()); }
    SavedState saved{.tokens = {}, .state = {}};
    // An empty conversation has no prompt, and one that is too long none that fits; both can be saved.
    const auto tokens = prompt_tokens(*model_, Messages{messages}, model_->context->limit(), false);
    if (tokens) { saved = computed_of(*tokens); }
    saved.text = messages;
    const auto written = file->save(saved);
    if (written) { return {}; }
    return std::unexpected(Error{Fault::state_file, std::string(base::describe(written.error()).view())});
}

SavedState Scheduler::computed_of(std::span<const Token> tokens) {
    if (free_places() == 0) { return {}; } // it would only save time
    const auto sequence = sequences_.take(tokens);
    if (!sequence) { return {}; }
    SavedState saved;
    if (auto state = model_->context->state(*sequence)) {
        saved = {.tokens = sequences_.held(*sequence), .state = *std::move(state)};
    }
    sequences_.release(*sequence);
    return saved;
}

Result<std::string> Scheduler::load(const std::string& path) {
    const auto file = state_file(path);
    if (!file) { return std::unexpected(file.error()); }
    const auto refuse = [](const base::Error& error) {
        return std::unexpected(Error{Fault::state_file, std::string(base::describe(error).view())});
    };
    auto saved = file->load();
    if (!saved) { return refuse(saved.error()); }
    if (!saved->has_value()) {
        errno = ENOENT;
        return refuse(base::system_error("open", path).error());
    }
    SavedState& state = **saved;
    if (state.text.empty()) {
        return refuse(base::failure("read", path, "it holds no conversation").error());
    }
    std::string messages = std::exchange(state.text, {});
    if (!state.tokens.empty()) { sequences_.keep(std::move(state)); }
    return messages;
}

Result<StateFile> Scheduler::state_file(const std::string& path) const {
    const auto fingerprint = model_->fingerprint();
    if (fingerprint) { return StateFile(path, *fingerprint); }
    return std::unexpected(Error{Fault::state_file, std::string(base::describe(fingerprint.error()).view())});
}

} // namespace vb::engine
