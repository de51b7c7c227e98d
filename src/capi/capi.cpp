// vector_boot.h over vb::engine. Every entry is noexcept: what is thrown below ends as a status here.
#include "vector_boot.h"

#include "engine/engine.h"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <new>
#include <optional>

using namespace vb;

namespace {

thread_local std::string last_error; // NOLINT: the interface promises one text a thread

int32_t succeed() noexcept {
    last_error.clear();
    return VB_OK;
}

int32_t fail(int32_t status, std::string_view message) noexcept {
    try {
        last_error = message;
    } catch (const std::bad_alloc&) {
        last_error.clear(); // the status still says what kind of fault it was
    }
    return status;
}

int32_t status_of(engine::Fault fault) noexcept {
    switch (fault) {
    case engine::Fault::model_missing:
    case engine::Fault::model_malformed:
    case engine::Fault::model_unsupported:
        return VB_ERROR_MODEL;
    case engine::Fault::resources:
        return VB_ERROR_RESOURCES;
    case engine::Fault::request:
    case engine::Fault::too_long:
    case engine::Fault::state_file:
        return VB_ERROR_REQUEST;
    case engine::Fault::internal:
    case engine::Fault::cancelled:
        return VB_ERROR_INTERNAL;
    }
    return VB_ERROR_INTERNAL;
}

// What both sides know of an options struct: an older caller's is shorter, a newer one's longer. A newer
// field that is set asks for something that this library cannot do, and is refused.
template <class Options>
bool read_options(const Options* given, Options& options) noexcept {
    if (given == nullptr) { return true; }
    std::uint32_t size = 0;
    std::memcpy(&size, given, sizeof size);
    if (size < sizeof size || size > 4096) { return false; }
    std::memcpy(&options, given, std::min<std::size_t>(size, sizeof options));
    const auto* const bytes = reinterpret_cast<const unsigned char*>(given);
    return size <= sizeof options ||
           std::all_of(bytes + sizeof options, bytes + size, [](unsigned char byte) { return byte == 0; });
}

// One thread waits here for what another brings.
template <class Value>
class Awaited {
  public:
    void bring(Value value) {
        const std::lock_guard lock(mutex_);
        value_ = std::move(value);
        brought_.notify_all();
    }
    Value take() {
        std::unique_lock lock(mutex_);
        brought_.wait(lock, [this] { return value_.has_value(); });
        return std::move(*value_);
    }

  private:
    std::mutex mutex_;
    std::condition_variable brought_;
    std::optional<Value> value_;
};

using Answer = engine::Result<engine::Outcome>;

class CallbackReceiver final : public engine::Receiver {
  public:
    CallbackReceiver(vb_text_callback callback, void* user_data, Awaited<Answer>& answer,
                     std::function<void()> cancel)
        : callback_(callback), user_data_(user_data), answer_(answer), cancel_(std::move(cancel)) {}

    void text(std::string_view piece) override {
        if (stopped_ || callback_ == nullptr) { return; }
        stopped_ = callback_(piece.data(), piece.size(), user_data_) != 0;
        if (stopped_) { cancel_(); }
    }
    void finished(const Answer& outcome) override { answer_.bring(outcome); }

  private:
    vb_text_callback callback_;
    void* user_data_;
    Awaited<Answer>& answer_;
    std::function<void()> cancel_;
    bool stopped_ = false;
};

} // namespace

struct vb_engine {
    trace::Timeline timeline;
    base::Log log{-1, "vector_boot", base::Level::error}; // a library writes to no stream of its host's
    Awaited<engine::State> settled;
    std::optional<engine::Engine> engine;
};

extern "C" {

const char* vb_version(void) { return VB_VERSION; }

const char* vb_status_name(int32_t status) {
    constexpr const char* names[] = {"VB_OK",
                                     "VB_ERROR_ARGUMENT",
                                     "VB_ERROR_MODEL",
                                     "VB_ERROR_RESOURCES",
                                     "VB_ERROR_REQUEST",
                                     "VB_ERROR_INTERNAL",
                                     "VB_ERROR_CANCELLED"};
    return status <= 0 && status > -7 ? names[-status] : "unknown";
}

const char* vb_error_last(void) { return last_error.c_str(); }

int32_t vb_engine_open(const char* path, const vb_engine_options* given, vb_engine** out) try {
    if (out == nullptr) { return fail(VB_ERROR_ARGUMENT, "vb_engine_open: out is NULL"); }
    *out = nullptr;
    if (path == nullptr) { return fail(VB_ERROR_ARGUMENT, "vb_engine_open: path is NULL"); }
    vb_engine_options options = VB_ENGINE_OPTIONS_INIT;
    if (!read_options(given, options)) {
        return fail(VB_ERROR_ARGUMENT, "vb_engine_open: options have a struct_size or fields unknown here");
    }
    engine::Options wanted;
    wanted.model = path;
    wanted.threads = options.threads;
    if (options.context != 0) { wanted.context = options.context; }

    auto handle = std::make_unique<vb_engine>();
    handle->engine.emplace(std::move(wanted), handle->timeline, handle->log,
                           [waiting = handle.get()](engine::State state) { waiting->settled.bring(state); });
    if (handle->settled.take() == engine::State::failed) {
        const engine::Error& failure = handle->engine->failure();
        return fail(status_of(failure.fault), failure.message);
    }
    *out = handle.release();
    return succeed();
} catch (const std::exception& exception) { return fail(VB_ERROR_RESOURCES, exception.what()); }

void vb_engine_free(vb_engine* engine) { delete engine; }

int32_t vb_engine_chat(vb_engine* engine, const char* messages, const vb_chat_options* given,
                       vb_text_callback text, void* user_data) try {
    if (engine == nullptr || messages == nullptr) {
        return fail(VB_ERROR_ARGUMENT, "vb_engine_chat: engine or messages is NULL");
    }
    vb_chat_options options = VB_CHAT_OPTIONS_INIT;
    if (!read_options(given, options)) {
        return fail(VB_ERROR_ARGUMENT, "vb_engine_chat: options have a struct_size or fields unknown here");
    }
    engine::Request request;
    request.prompt = engine::Messages{messages};
    request.max_tokens = options.max_tokens;
    request.sampling.temperature = options.temperature;
    if (options.seed != 0) { request.sampling.seed = options.seed; }

    // The ticket comes back from submit() while the first piece may already be on its way.
    Awaited<engine::Engine::Ticket> ticket;
    Awaited<Answer> awaited;
    const auto cancel = [&] { engine->engine->cancel(ticket.take()); };
    ticket.bring(engine->engine->submit(
        std::move(request), std::make_unique<CallbackReceiver>(text, user_data, awaited, cancel)));
    const Answer answer = awaited.take();
    if (!answer) { return fail(status_of(answer.error().fault), answer.error().message); }
    if (answer->finish == engine::Finish::cancelled) {
        return fail(VB_ERROR_CANCELLED, "the callback asked to stop");
    }
    return succeed();
} catch (const std::exception& exception) { return fail(VB_ERROR_RESOURCES, exception.what()); }

} // extern "C"
