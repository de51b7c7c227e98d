#include "python/errors.h"

#include <exception>
#include <new>

namespace vb::python {
namespace {

enum class Also : unsigned char {
    nothing,
    value_error,
    timeout_error,
    runtime_error,
    request_error,
    os_error
};

struct Kind {
    const char* name;
    const char* document;
    std::int32_t status;
    Also also; // what else it is
};

// A kind comes after those that it is one of.
constexpr Kind kinds[] = {
    {"vector_boot.RequestError",
     "The messages, an option or another argument is wrong: what, and what is expected. A ValueError, too.",
     VB_ERROR_REQUEST, Also::value_error},
    {"vector_boot.ContextError",
     "The prompt is longer than the context. Shorten it, or open the model with a larger `context`.",
     VB_ERROR_CONTEXT, Also::request_error},
    {"vector_boot.ModelError", "The model's file, `path`, is missing, malformed or not supported.",
     VB_ERROR_MODEL, Also::nothing},
    {"vector_boot.ResourceError", "There is no memory, no thread or no CPU backend for it.",
     VB_ERROR_RESOURCES, Also::nothing},
    {"vector_boot.CancelledError",
     "The answer was cancelled: its stream was closed, or the model or the session was.", VB_ERROR_CANCELLED,
     Also::nothing},
    {"vector_boot.DeadlineError",
     "The request's `deadline` was over before the answer was complete. A TimeoutError, too.",
     VB_ERROR_DEADLINE, Also::timeout_error},
    {"vector_boot.StateFileError",
     "The saved session, `path`, is missing, damaged, or not for this model, library and CPU.", VB_ERROR_FILE,
     Also::nothing},
    {"vector_boot.ForkedError",
     "The object belongs to the parent process: open the model in the process that uses it.", VB_ERROR_FORKED,
     Also::runtime_error},
    {"vector_boot.DeviceError", "A device is missing, refuses an access, or is gone. An OSError, too.",
     VB_ERROR_DEVICE, Also::os_error},
};

constexpr const char* error_document = "What vector_boot raises; str() of it is one line.\n\n"
                                       "Attributes:\n"
                                       "    status: the library's status, a VB_ERROR of vector_boot.h.\n"
                                       "    path: the file it is about, or None.";

PyObject*& slot(ModuleState& state, std::int32_t status) {
    return state.errors[static_cast<std::size_t>(-status)];
}

// "vb_model_chat: options.top_p is 2" is said to C; Python has neither that function nor `options`.
std::string_view without_function(std::string_view text) {
    if (!text.starts_with("vb_")) { return text; }
    const std::size_t colon = text.find(": ");
    if (colon == std::string_view::npos) { return text; }
    text.remove_prefix(colon + 2);
    constexpr std::string_view options = "options.";
    if (text.starts_with(options)) { text.remove_prefix(options.size()); }
    return text;
}

Ref bases_of(ModuleState& state, Also also) {
    switch (also) {
    case Also::nothing:
        return Ref(PyTuple_Pack(1, state.error));
    case Also::value_error:
        return Ref(PyTuple_Pack(2, state.error, PyExc_ValueError));
    case Also::timeout_error:
        return Ref(PyTuple_Pack(2, state.error, PyExc_TimeoutError));
    case Also::runtime_error:
        return Ref(PyTuple_Pack(2, state.error, PyExc_RuntimeError));
    case Also::os_error:
        return Ref(PyTuple_Pack(2, state.error, PyExc_OSError));
    case Also::request_error:
        return Ref(PyTuple_Pack(1, slot(state, VB_ERROR_REQUEST)));
    }
    return {};
}

PyObject* make(PyObject* module, const char* name, const char* document, PyObject* bases,
               std::int32_t status) {
    const Ref attributes(Py_BuildValue("{s:i,s:O}", "status", status, "path", Py_None));
    if (!attributes) { return nullptr; }
    PyObject* const type = PyErr_NewExceptionWithDoc(name, document, bases, attributes.get());
    const char* const short_name = name + std::string_view("vector_boot.").size();
    if (type == nullptr || PyModule_AddObjectRef(module, short_name, type) < 0) { return nullptr; }
    return type;
}

} // namespace

bool add_errors(PyObject* module, ModuleState& state) {
    state.error = make(module, "vector_boot.Error", error_document, nullptr, VB_ERROR_INTERNAL);
    if (state.error == nullptr) { return false; }
    for (const Kind& kind : kinds) {
        const Ref bases = bases_of(state, kind.also);
        if (!bases) { return false; }
        slot(state, kind.status) = make(module, kind.name, kind.document, bases.get(), kind.status);
        if (slot(state, kind.status) == nullptr) { return false; }
    }
    slot(state, VB_ERROR_ARGUMENT) = Py_NewRef(slot(state, VB_ERROR_REQUEST));
    return true;
}

PyObject* raise(const ModuleState& state, std::int32_t status, std::string_view text, const char* path) {
    PyObject* type = state.error != nullptr ? state.error : PyExc_RuntimeError; // the interpreter ends
    const auto index = static_cast<std::size_t>(status < 0 ? -status : 0);
    if (index < state.errors.size() && state.errors[index] != nullptr) { type = state.errors[index]; }
    text = without_function(text);
    const Ref message(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()),
                                           "replace")); // may quote a file
    if (!message) { return nullptr; }
    const Ref error(PyObject_CallFunctionObjArgs(type, message.get(), nullptr));
    const Ref number(PyLong_FromLong(status));
    if (!error || !number || PyObject_SetAttrString(error.get(), "status", number.get()) < 0) {
        return nullptr;
    }
    if (path != nullptr) {
        const Ref file(PyUnicode_DecodeFSDefault(path));
        if (!file || PyObject_SetAttrString(error.get(), "path", file.get()) < 0) { return nullptr; }
    }
    PyErr_SetObject(type, error.get());
    return nullptr;
}

PyObject* raise_last(const ModuleState& state, std::int32_t status) {
    return raise(state, status, std::string(vb_error_last()));
}

PyObject* raise_closed(const ModuleState& state, const char* what) {
    return raise(state, VB_ERROR_ARGUMENT, std::string("the ") + what + " is closed");
}

PyObject* raise_caught() noexcept {
    try {
        throw;
    } catch (const std::bad_alloc&) { return PyErr_NoMemory(); } catch (const std::exception& error) {
        PyErr_SetString(PyExc_SystemError, error.what());
    } catch (...) { PyErr_SetString(PyExc_SystemError, "an exception of an unknown kind"); }
    return nullptr;
}

} // namespace vb::python
