// vb_session_*: conversations that keep their messages.
#include "capi/awaited.h"
#include "capi/buffer.h"
#include "capi/request.h"

#include <string>

using namespace vb;
using namespace vb::capi;

namespace {

vb_session* make_session(const std::shared_ptr<Core>& core, std::string messages) {
    return new vb_session{core, std::make_shared<Conversation>(std::move(messages))};
}

} // namespace

extern "C" {

int32_t vb_session_open(vb_model* model, vb_session** out) try {
    if (const int32_t wrong = clear(__func__, out)) { return wrong; }
    if (const int32_t wrong = check(__func__, model)) { return wrong; }
    *out = make_session(model->core, "[]");
    return succeed();
} catch (...) { return caught(__func__); }

int32_t vb_session_chat(vb_session* session, const char* messages, const vb_request_options* options,
                        vb_request** out) try {
    if (const int32_t wrong = clear(__func__, out)) { return wrong; }
    if (const int32_t wrong = check(__func__, session, {{"messages", messages}})) { return wrong; }
    auto prepared = prepare(__func__, session->core, options);
    if (!prepared) { return prepared.error(); }
    const std::shared_ptr<Answer> answer = prepared->handle->answer;
    auto asked = session->conversation->begin(messages, answer);
    if (!asked) { return fail(asked.error()); }
    answer->set_conversation(session->conversation);
    return submit(__func__, *std::move(prepared), engine::Messages{*std::move(asked)}, out);
} catch (...) { return caught(__func__); }

int32_t vb_session_messages(const vb_session* session, vb_buffer** out) try {
    if (const int32_t wrong = clear(__func__, out)) { return wrong; }
    if (const int32_t wrong = check(__func__, session)) { return wrong; }
    *out = make_buffer(session->conversation->messages());
    return succeed();
} catch (...) { return caught(__func__); }

int32_t vb_session_save(vb_session* session, const char* path) try {
    if (const int32_t wrong = check(__func__, session, {{"path", path}})) { return wrong; }
    const std::shared_ptr<Core> core = session->core;
    const auto saved = std::make_shared<Awaited<engine::Result<>>>();
    {
        const Core::Use engine = core->use();
        if (!engine) { return fail_closed(__func__); }
        engine->save(session->conversation->messages(), path,
                     [saved](engine::Result<> done) { saved->bring(std::move(done)); });
    } // while we wait others may free the model
    const auto done = saved->take();
    return done ? succeed() : fail(done.error());
} catch (...) { return caught(__func__); }

int32_t vb_session_load(vb_model* model, const char* path, vb_session** out) try {
    if (const int32_t wrong = clear(__func__, out)) { return wrong; }
    if (const int32_t wrong = check(__func__, model, {{"path", path}})) { return wrong; }
    const std::shared_ptr<Core> core = model->core;
    const auto loaded = std::make_shared<Awaited<engine::Result<std::string>>>();
    {
        const Core::Use engine = core->use();
        if (!engine) { return fail_closed(__func__); }
        engine->load(path,
                     [loaded](engine::Result<std::string> messages) { loaded->bring(std::move(messages)); });
    } // while we wait others may free the model
    auto messages = loaded->take();
    if (!messages) { return fail(messages.error()); }
    *out = make_session(core, *std::move(messages));
    return succeed();
} catch (...) { return caught(__func__); }

void vb_session_free(vb_session* session) {
    if (session == nullptr || leave_to_parent(session)) { return; }
    if (const std::shared_ptr<Answer> answer = session->conversation->under_way()) { answer->cancel(); }
    delete session;
}

} // extern "C"
