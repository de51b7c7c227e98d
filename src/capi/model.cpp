// vb_model_*: opening and closing, what is known of the model, and the way into event loops.
#include "capi/handles.h"
#include "capi/options.h"

#include <chrono>

namespace vb::capi {
namespace {

// Well below the tenth of a second that is promised.
constexpr std::chrono::milliseconds between_progress(50);

// VB_OK when the engine came to an end of loading, whichever.
std::int32_t wait_until_settled(Core& core, const vb_model_options& options) {
    if (options.progress == nullptr) { return VB_OK; }
    bool is_settled = false;
    while (!is_settled) {
        is_settled = core.wait_until_settled(between_progress);
        const Core::Use engine = core.use();
        const bool is_up = engine->state() == engine::State::ready;
        if (is_settled && !is_up) { return VB_OK; } // refused: that is more to the point than any progress
        if (options.progress(is_up ? 1.0F : engine->progress(), options.progress_data) != 0) {
            return fail(VB_ERROR_CANCELLED, "vb_model_open: options.progress gave up");
        }
    }
    return VB_OK;
}

} // namespace
} // namespace vb::capi

using namespace vb;
using namespace vb::capi;

extern "C" {

int32_t vb_model_open(const char* path, const vb_model_options* given, vb_model** out) try {
    if (const int32_t wrong = clear(__func__, out)) { return wrong; }
    if (path == nullptr && host() == nullptr) {
        return fail(VB_ERROR_ARGUMENT, "vb_model_open: path is NULL, and no machine booted in this process");
    }
    vb_model_options options = VB_MODEL_OPTIONS_INIT;
    if (const int32_t wrong = read_options(__func__, given, options)) { return wrong; }
    auto model = std::make_unique<vb_model>();
    if (path == nullptr) {
        model->core = std::make_shared<Core>(*host());
    } else {
        const auto level = log_level(__func__, options);
        if (!level) { return level.error(); }
        auto wanted = engine_options(__func__, path, options);
        if (!wanted) { return wanted.error(); }
        model->core = std::make_shared<Core>(
            *std::move(wanted),
            LogOptions{.callback = options.log, .user_data = options.log_data, .least = *level});
    }
    int32_t status = wait_until_settled(*model->core, options);
    if (status == VB_OK) {
        model->core->wait_until_settled();
        const Core::Use engine = model->core->use();
        if (engine->state() == engine::State::failed) { status = fail(engine->failure()); }
    }
    if (status != VB_OK) {
        model->core->close();
        return status;
    }
    model->information = model->core->use()->information();
    model->file_name = model->core->use()->model_name();
    *out = model.release();
    return succeed();
} catch (...) { return caught(__func__); }

void vb_model_free(vb_model* model) {
    if (model == nullptr || leave_to_parent(model)) { return; }
    model->core->close();
    delete model;
}

int32_t vb_model_get_info(const vb_model* model, vb_model_info* info) {
    if (const int32_t wrong = check(__func__, model, {{"info", info}})) { return wrong; }
    if (const int32_t wrong = check_size(__func__, "info", info)) { return wrong; }
    vb_model_info filled = VB_MODEL_INFO_INIT;
    filled.context = model->information.context;
    filled.trained_context = model->information.trained_context;
    filled.vocabulary = model->information.vocabulary;
    filled.embedding = model->information.embedding;
    filled.threads = model->information.threads;
    filled.parameters = model->information.parameters;
    filled.weights = model->information.weights;
    write_struct(filled, info);
    return succeed();
}

const char* vb_model_name(const vb_model* model) {
    if (model == nullptr) {
        fail(VB_ERROR_ARGUMENT, "vb_model_name: model is NULL");
        return "";
    }
    return model->file_name.c_str();
}

int32_t vb_model_fd(const vb_model* model) {
    if (const int32_t wrong = check(__func__, model)) { return wrong; }
    return succeed(model->core->dispatcher().fd());
}

int32_t vb_model_dispatch(vb_model* model) try {
    if (const int32_t wrong = check(__func__, model)) { return wrong; }
    const std::shared_ptr<Core> core = model->core; // a callback may free the model
    return succeed(core->dispatcher().dispatch());
} catch (...) { return caught(__func__); }

} // extern "C"
