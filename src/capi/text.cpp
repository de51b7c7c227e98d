// Text, tokens and embeddings: what the model's vocabulary and its template make of what they get, without an
// answer.
#include "capi/awaited.h"
#include "capi/buffer.h"
#include "capi/handles.h"

#include <string>
#include <vector>

using namespace vb;
using namespace vb::capi;

namespace {

template <class Values>
int32_t hand_out(const engine::Result<Values>& result, vb_buffer** out) {
    if (!result) { return fail(result.error()); }
    *out = make_buffer(*result);
    return succeed();
}

} // namespace

extern "C" {

int32_t vb_model_tokenize(const vb_model* model, const char* text, size_t length, int32_t special,
                          vb_buffer** out) try {
    if (const int32_t wrong = clear(__func__, out)) { return wrong; }
    const void* const given = length > 0 ? text : "";
    if (const int32_t wrong = check(__func__, model, {{"text", given}})) { return wrong; }
    const Core::Use engine = model->core->use();
    if (!engine) { return fail_closed(__func__); }
    return hand_out(engine->tokenize({text, length}, special != 0), out);
} catch (...) { return caught(__func__); }

int32_t vb_model_detokenize(const vb_model* model, const int32_t* tokens, size_t count, int32_t special,
                            vb_buffer** out) try {
    if (const int32_t wrong = clear(__func__, out)) { return wrong; }
    const void* const given = count > 0 ? static_cast<const void*>(tokens) : "";
    if (const int32_t wrong = check(__func__, model, {{"tokens", given}})) { return wrong; }
    const Core::Use engine = model->core->use();
    if (!engine) { return fail_closed(__func__); }
    return hand_out(engine->detokenize({tokens, count}, special != 0), out);
} catch (...) { return caught(__func__); }

int32_t vb_model_render(const vb_model* model, const char* messages, vb_buffer** out) try {
    if (const int32_t wrong = clear(__func__, out)) { return wrong; }
    if (const int32_t wrong = check(__func__, model, {{"messages", messages}})) { return wrong; }
    const Core::Use engine = model->core->use();
    if (!engine) { return fail_closed(__func__); }
    return hand_out(engine->render(messages), out);
} catch (...) { return caught(__func__); }

int32_t vb_model_embed(vb_model* model, const char* const* texts, size_t count, vb_buffer** out) try {
    if (const int32_t wrong = clear(__func__, out)) { return wrong; }
    const void* const given = count > 0 ? static_cast<const void*>(texts) : "";
    if (const int32_t wrong = check(__func__, model, {{"texts", given}})) { return wrong; }
    std::vector<std::string> copies;
    for (size_t index = 0; index < count; ++index) {
        if (texts[index] == nullptr) {
            return fail(VB_ERROR_ARGUMENT, "vb_model_embed: texts[", index, "] is NULL");
        }
        copies.emplace_back(texts[index]);
    }
    if (copies.empty()) { return hand_out(engine::Result<std::string>(), out); }

    const std::shared_ptr<Core> core = model->core;
    const auto embeddings = std::make_shared<Awaited<engine::Result<engine::Embeddings>>>();
    {
        const Core::Use engine = core->use();
        if (!engine) { return fail_closed(__func__); }
        engine->embed(std::move(copies), [embeddings](engine::Result<engine::Embeddings> made) {
            embeddings->bring(std::move(made));
        });
    } // while we wait others may free the model
    const auto made = embeddings->take();
    if (!made) { return fail(made.error()); }
    *out = make_buffer(made->values);
    return succeed();
} catch (...) { return caught(__func__); }

} // extern "C"
