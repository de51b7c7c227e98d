#include "engine/llama_log.h"

#include <llama.h>

#include <mutex>
#include <utility>

namespace vb::engine {
namespace {

// Per thread, because libllama logs on the thread that called it and two models load at the same time.
thread_local LlamaLog* current_log = nullptr;

void receive(ggml_log_level level, const char* text, void* /*user_data*/) {
    if (current_log == nullptr) { return; }
    switch (level) {
    case GGML_LOG_LEVEL_ERROR:
        current_log->add(base::Level::error, text);
        break;
    case GGML_LOG_LEVEL_WARN:
        current_log->add(base::Level::warning, text);
        break;
    case GGML_LOG_LEVEL_CONT:
        current_log->add(base::Level::info, text); // continues a line, whose level stays
        break;
    default:
        current_log->add(base::Level::debug, text);
        break;
    }
}

} // namespace

LlamaLog::LlamaLog(const base::Log& log) : log_(&log), outer_(std::exchange(current_log, this)) {
    static std::once_flag once;
    std::call_once(once, [] { llama_log_set(receive, nullptr); });
}
LlamaLog::~LlamaLog() { current_log = outer_; }

std::string LlamaLog::reason() const { return error_.empty() ? "libllama gave no reason" : error_; }

void LlamaLog::add(base::Level level, std::string_view piece) {
    if (line_.empty()) { level_ = level; }
    line_ += piece;
    if (!line_.ends_with('\n')) { return; }
    while (!line_.empty() && (line_.back() == '\n' || line_.back() == ' ')) {
        line_.pop_back();
    }
    if (level_ == base::Level::error) {
        // "llama_model_load: error loading model: missing tensor": the function's name means nothing to
        // users.
        const auto colon = line_.find(": ");
        const bool named = colon != std::string::npos && line_.find(' ') > colon;
        std::string text = named ? line_.substr(colon + 2) : line_;
        // The line after the reason only says that loading failed, and repeats the path.
        if (error_.empty() || !text.starts_with("failed to load model")) { error_ = std::move(text); }
    }
    // libllama warns about much that is of no concern to the owner of a machine, so one level down.
    const bool worth_a_line = level_ == base::Level::error || level_ == base::Level::warning;
    if (worth_a_line) { log_->debug("libllama: ", std::string_view(line_)); }
    line_.clear();
}

} // namespace vb::engine
