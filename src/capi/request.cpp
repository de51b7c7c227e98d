#include "capi/request.h"

#include "capi/options.h"

#include <string>

namespace vb::capi {

std::expected<Prepared, std::int32_t> prepare(const char* function, const std::shared_ptr<Core>& core,
                                              const vb_request_options* given) {
    vb_request_options options = VB_REQUEST_OPTIONS_INIT;
    if (const std::int32_t wrong = read_options(function, given, options)) { return std::unexpected(wrong); }
    std::uint32_t vocabulary = 0;
    {
        const Core::Use engine = core->use();
        if (!engine) { return std::unexpected(fail_closed(function)); }
        vocabulary = engine->information().vocabulary;
    }
    auto request = engine_request(function, options, vocabulary);
    if (!request) { return std::unexpected(request.error()); }
    auto handle = std::make_unique<vb_request>();
    handle->core = core;
    handle->answer = std::make_shared<Answer>(core, options, handle.get());
    return Prepared{{handle.release(), {}}, *std::move(request)};
}

std::int32_t submit(const char* function, Prepared prepared, engine::Prompt prompt, vb_request** out) {
    prepared.request.prompt = std::move(prompt);
    const std::shared_ptr<Core> core = prepared.handle->core;
    const std::shared_ptr<Answer> answer = prepared.handle->answer;
    auto receiver = std::make_unique<AnswerReceiver>(answer);
    const Core::Use engine = core->use();
    if (!engine) { return fail_closed(function); }
    core->add(answer);
    // From here on the handle is the caller's: another thread may dispatch its news and even free it in them.
    vb_request* const handle = prepared.handle.release();
    *out = handle;
    try {
        answer->set_ticket(engine->submit(std::move(prepared.request), std::move(receiver)));
    } catch (...) {
        *out = nullptr;
        vb_request_free(handle);
        throw;
    }
    return succeed();
}

} // namespace vb::capi

using namespace vb;
using namespace vb::capi;

extern "C" {

int32_t vb_model_chat(vb_model* model, const char* messages, const vb_request_options* options,
                      vb_request** out) try {
    if (const int32_t wrong = clear(__func__, out)) { return wrong; }
    if (const int32_t wrong = check(__func__, model, {{"messages", messages}})) { return wrong; }
    auto prepared = prepare(__func__, model->core, options);
    if (!prepared) { return prepared.error(); }
    return submit(__func__, *std::move(prepared), engine::Messages{messages}, out);
} catch (...) { return caught(__func__); }

int32_t vb_model_complete(vb_model* model, const char* text, size_t length, const vb_request_options* options,
                          vb_request** out) try {
    if (const int32_t wrong = clear(__func__, out)) { return wrong; }
    const void* const given = length > 0 ? text : "";
    if (const int32_t wrong = check(__func__, model, {{"text", given}})) { return wrong; }
    auto prepared = prepare(__func__, model->core, options);
    if (!prepared) { return prepared.error(); }
    return submit(__func__, *std::move(prepared), std::string(text, length), out);
} catch (...) { return caught(__func__); }

int32_t vb_model_complete_tokens(vb_model* model, const int32_t* tokens, size_t count,
                                 const vb_request_options* options, vb_request** out) try {
    if (const int32_t wrong = clear(__func__, out)) { return wrong; }
    const void* const given = count > 0 ? static_cast<const void*>(tokens) : "";
    if (const int32_t wrong = check(__func__, model, {{"tokens", given}})) { return wrong; }
    auto prepared = prepare(__func__, model->core, options);
    if (!prepared) { return prepared.error(); }
    return submit(__func__, *std::move(prepared), engine::Tokens(tokens, tokens + count), out);
} catch (...) { return caught(__func__); }

int32_t vb_request_next(vb_request* request, int32_t timeout_ms, vb_piece* piece) try {
    if (const int32_t wrong = check(__func__, request, {{"piece", piece}})) { return wrong; }
    if (const int32_t wrong = check_size(__func__, "piece", piece)) { return wrong; }
    vb_piece filled = VB_PIECE_INIT;
    const int32_t status = request->answer->next(timeout_ms, filled);
    write_struct(filled, piece);
    return status;
} catch (...) { return caught(__func__); }

int32_t vb_request_run(vb_request* request, vb_piece_callback callback, void* user_data) try {
    if (const int32_t wrong = check(__func__, request)) { return wrong; }
    vb_piece piece = VB_PIECE_INIT;
    int32_t status = VB_OK;
    while ((status = request->answer->next(-1, piece)) == VB_OK) {
        if (callback != nullptr && callback(&piece, user_data) != 0) { request->answer->cancel(); }
    }
    return status == VB_END ? succeed() : status;
} catch (...) { return caught(__func__); }

void vb_request_cancel(vb_request* request) {
    if (check(__func__, request) == VB_OK) { request->answer->cancel(); }
}

int32_t vb_request_get_result(const vb_request* request, vb_result* result) {
    if (const int32_t wrong = check(__func__, request, {{"result", result}})) { return wrong; }
    if (const int32_t wrong = check_size(__func__, "result", result)) { return wrong; }
    const auto filled = request->answer->result();
    if (!filled) { return succeed(VB_AGAIN); }
    write_struct(*filled, result);
    return succeed();
}

void vb_request_free(vb_request* request) {
    if (request == nullptr || leave_to_parent(request)) { return; }
    request->answer->abandon();
    delete request;
}

} // extern "C"
