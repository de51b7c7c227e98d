// vector_boot._vector_boot.Request: one answer.
#include "python/objects.h"
#include "python/records.h"

#include <new>
#include <string>

namespace vb::python {
namespace {

void request_dealloc(PyObject* object) noexcept {
    auto* const self = reinterpret_cast<RequestObject*>(object);
    self->request.~Request();
    deallocate(self);
}

PyObject* raise_forked(const RequestObject& self) {
    return raise(state_of(&self), VB_ERROR_FORKED,
                 "the answer belongs to the parent process; open the model in the process that uses it");
}

// Begins it where it has not begun. False and an exception where it cannot be read this way, or not now.
bool prepare(RequestObject& self, Request::Reading reading) {
    Request& request = self.request;
    if (request.is_forked()) {
        raise_forked(self);
        return false;
    }
    if (request.is_waiting()) {
        PyErr_SetString(PyExc_RuntimeError, "the answer is being read by another thread");
        return false;
    }
    if (request.is_closed()) {
        raise(state_of(&self), VB_ERROR_CANCELLED, "the answer was closed before its end");
        return false;
    }
    if (request.reading() == Request::Reading::not_begun) { request.begin(reading); }
    if (request.reading() != reading) {
        PyErr_SetString(PyExc_RuntimeError,
                        reading == Request::Reading::news
                            ? "the answer is being read with `for`, not with `async for`"
                            : "the answer is being read with `async for`, not with `for`");
        return false;
    }
    return true;
}

// What was received; "" where that was all, None where nothing is there yet. NULL and an exception where the answer
// ended badly and nothing is left of it.
PyObject* take_text(RequestObject& self) {
    std::string text;
    const Outcome end = self.request.with_received([&text](Received& received) -> Outcome {
        text = std::exchange(received.text, {});
        return {.status = received.status, .error = received.error};
    });
    if (text.empty() && end.status < 0) { return raise(state_of(&self), end.status, end.error); }
    if (text.empty() && end.status == VB_AGAIN) { Py_RETURN_NONE; }
    return PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace");
}

template <class IsEnough>
PyObject* wait_until(RequestObject& self, IsEnough is_enough) {
    if (!prepare(self, Request::Reading::waiting)) { return nullptr; }
    while (!self.request.with_received(is_enough)) {
        self.request.wait();
        if (PyErr_CheckSignals() < 0) { return nullptr; }
        if (!prepare(self, Request::Reading::waiting)) { return nullptr; } // closed by another thread
    }
    return take_text(self);
}

PyObject* next(RequestObject& self, PyObject* /*none*/) {
    return wait_until(self, [](const Received& got) { return got.is_over() || !got.text.empty(); });
}

PyObject* rest(RequestObject& self, PyObject* /*none*/) {
    PyObject* const text = wait_until(self, [](const Received& received) { return received.is_over(); });
    if (text == nullptr) { return nullptr; }
    const Outcome end = self.request.with_received(
        [](const Received& received) -> Outcome { return {received.status, received.error}; });
    if (end.status >= 0) { return text; }
    Py_DECREF(text); // half an answer is none
    return raise(state_of(&self), end.status, end.error);
}

PyObject* poll(RequestObject& self, PyObject* /*none*/) {
    if (!prepare(self, Request::Reading::news)) { return nullptr; }
    self.request.poll();
    return take_text(self);
}

PyObject* close(RequestObject& self, PyObject* /*none*/) {
    self.request.close();
    Py_RETURN_NONE;
}

// How a complete answer ended; None where it is not.
PyObject* result(RequestObject& self, PyObject* /*none*/) {
    if (self.request.is_forked()) { return raise_forked(self); }
    const Received received = self.request.with_received([](const Received& all) { return all; });
    if (received.status != VB_END) { Py_RETURN_NONE; }
    const ModuleState& state = state_of(&self);
    const Ref usage = make_usage(state, received.result);
    const Ref tokens = make_tokens(state, received.tokens);
    if (!usage || !tokens) { return nullptr; }
    const char* const reason = received.result.finish == VB_FINISH_LENGTH ? "length" : "stop";
    return Py_BuildValue("(OsO)", usage.get(), reason, tokens.get());
}

PyObject* number(PyObject* self, void* /*none*/) noexcept {
    return PyLong_FromUnsignedLongLong(reinterpret_cast<RequestObject*>(self)->request.number());
}

} // namespace

Ref make_request(const ModuleState& state, const std::shared_ptr<News>& news, PyObject* options) {
    auto* const self = allocate<RequestObject>(state.request_type);
    if (self == nullptr) { return {}; }
    new (&self->request) Request(news->next_number(), news);
    Ref object(&self->base);
    return self->request.options().read(options) ? std::move(object) : Ref();
}

bool add_request(PyObject* module, ModuleState& state) {
    static PyMethodDef methods[] = {
        {"next", as_method<next, RequestObject>, METH_NOARGS,
         "next($self, /)\n--\n\nWaits for a piece; \"\" at the end."},
        {"rest", as_method<rest, RequestObject>, METH_NOARGS,
         "rest($self, /)\n--\n\nWaits for the end, and returns all that was not read."},
        {"poll", as_method<poll, RequestObject>, METH_NOARGS,
         "poll($self, /)\n--\n\nA piece, None where none is there yet, \"\" at the end."},
        {"close", as_method<close, RequestObject>, METH_NOARGS,
         "close($self, /)\n--\n\nCancels what is under way and gives the handle back."},
        {"result", as_method<result, RequestObject>, METH_NOARGS,
         "result($self, /)\n--\n\nHow a complete answer ended: usage, reason, tokens. None where it is not "
         "complete."},
        {nullptr, nullptr, 0, nullptr}};
    static PyGetSetDef properties[] = {{"number", number, nullptr, nullptr, nullptr},
                                       {nullptr, nullptr, nullptr, nullptr, nullptr}};
    PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(request_dealloc)},
                           {Py_tp_methods, methods},
                           {Py_tp_getset, properties},
                           {0, nullptr}};
    PyType_Spec spec{"vector_boot._vector_boot.Request", sizeof(RequestObject), 0,
                     Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
    return add_type(module, spec, state.request_type);
}

} // namespace vb::python
