// vector_boot._vector_boot.Session: a conversation of a model.
#include "python/json_text.h"
#include "python/objects.h"
#include "python/values.h"

#include <new>
#include <string>

namespace vb::python {
namespace {

void close(SessionObject& self) { const Share last(std::exchange(self.handle, {})); }

void session_dealloc(PyObject* object) noexcept {
    auto* const self = reinterpret_cast<SessionObject*>(object);
    close(*self);
    self->handle.~shared_ptr();
    self->news.~shared_ptr();
    deallocate(self);
}

PyObject* close_session(SessionObject& self, PyObject* /*none*/) {
    close(self);
    Py_RETURN_NONE;
}

PyObject* chat(SessionObject& self, PyObject* arguments) {
    PyObject* given = nullptr;
    PyObject* options = nullptr;
    if (PyArg_ParseTuple(arguments, "OO!:chat", &given, &PyDict_Type, &options) == 0) { return nullptr; }
    if (!self.handle) { return raise_closed(state_of(&self), "session"); }
    auto messages = messages_text(given);
    if (!messages) { return nullptr; }
    Ref request = make_request(state_of(&self), self.news, options);
    if (!request) { return nullptr; }
    request_of(request).set_begin([session = std::weak_ptr(self.handle), messages = *std::move(messages)](
                                      const vb_request_options& with, vb_request** out) -> Outcome {
        const std::shared_ptr<SessionHandle> handle =
            session.lock(); // without the GIL: it may be the last one
        if (handle == nullptr) { return {.status = VB_ERROR_CANCELLED, .error = "the session is closed"}; }
        return outcome_of(vb_session_chat(handle->session, messages.c_str(), &with, out));
    });
    return request.release();
}

PyObject* messages(SessionObject& self, PyObject* /*none*/) {
    const Share handle(self.handle);
    if (!handle) { return raise_closed(state_of(&self), "session"); }
    vb_buffer* buffer = nullptr;
    const std::int32_t status = vb_session_messages(handle->session, &buffer);
    if (status < 0) { return raise_last(state_of(&self), status); }
    PyObject* const text = PyUnicode_DecodeUTF8(static_cast<const char*>(vb_buffer_data(buffer)),
                                                static_cast<Py_ssize_t>(vb_buffer_size(buffer)), "replace");
    vb_buffer_free(buffer);
    return text;
}

PyObject* save(SessionObject& self, PyObject* given) {
    const auto path = path_of(given);
    if (!path) { return nullptr; }
    const Share handle(self.handle);
    if (!handle) { return raise_closed(state_of(&self), "session"); }
    Outcome outcome{};
    {
        const WithoutGil released;
        outcome = outcome_of(vb_session_save(handle->session, path->c_str()));
    }
    if (outcome.status < 0) { return raise(state_of(&self), outcome.status, outcome.error, path->c_str()); }
    Py_RETURN_NONE;
}

} // namespace

PyObject* make_session(const ModuleState& state, const std::shared_ptr<News>& news, vb_session* session) {
    auto handle = std::make_shared<SessionHandle>(session);
    auto* const self = allocate<SessionObject>(state.session_type);
    if (self == nullptr) { return nullptr; }
    new (&self->handle) std::shared_ptr<SessionHandle>(std::move(handle));
    new (&self->news) std::shared_ptr<News>(news);
    return &self->base;
}

bool add_session(PyObject* module, ModuleState& state) {
    static PyMethodDef methods[] = {
        {"close", as_method<close_session, SessionObject>, METH_NOARGS,
         "close($self, /)\n--\n\nCancels what is under way and gives the handle back."},
        {"chat", as_method<chat, SessionObject>, METH_VARARGS,
         "chat($self, messages, options, /)\n--\n\nA request that has not begun."},
        {"messages", as_method<messages, SessionObject>, METH_NOARGS,
         "messages($self, /)\n--\n\nThe conversation as JSON."},
        {"save", as_method<save, SessionObject>, METH_O, "save($self, path, /)\n--\n\nWrites it to a file."},
        {nullptr, nullptr, 0, nullptr}};
    PyType_Slot slots[] = {
        {Py_tp_dealloc, reinterpret_cast<void*>(session_dealloc)}, {Py_tp_methods, methods}, {0, nullptr}};
    PyType_Spec spec{"vector_boot._vector_boot.Session", sizeof(SessionObject), 0,
                     Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
    return add_type(module, spec, state.session_type);
}

} // namespace vb::python
