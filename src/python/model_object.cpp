// vector_boot._vector_boot.Model: opening, closing, the way into event loops, and the beginning of everything else.
// What it computes with is in model_methods.cpp.
#include "python/model_methods.h"
#include "python/objects.h"
#include "python/values.h"

#include <new>
#include <string>

namespace vb::python {
namespace {

PyObject* model_new(PyTypeObject* type, PyObject* /*arguments*/, PyObject* /*keywords*/) noexcept {
    auto* const self = allocate<ModelObject>(type);
    if (self == nullptr) { return nullptr; }
    new (&self->handle) std::shared_ptr<ModelHandle>();
    try {
        state_of(self).models.insert(self);
    } catch (...) { raise_caught(); }
    return &self->base;
}

void close(ModelObject& self) { const Share last(std::exchange(self.handle, {})); }

void model_dealloc(PyObject* object) noexcept {
    auto* const self = reinterpret_cast<ModelObject*>(object);
    state_of(self).models.erase(self);
    close(*self);
    self->handle.~shared_ptr();
    deallocate(self);
}

// While a model loads: Python's signals and the caller's `progress`, on the thread that opens.
struct Progress {
    PyObject* function; // or NULL
    PyThreadState* thread = nullptr;

    static std::int32_t report(float loaded, void* user_data) noexcept {
        const auto& self = *static_cast<Progress*>(user_data);
        const WithGil taken(self.thread);
        if (PyErr_CheckSignals() < 0) { return 1; }
        if (self.function == nullptr) { return 0; }
        const Ref done(PyObject_CallFunction(self.function, "d", static_cast<double>(loaded)));
        return done ? 0 : 1;
    }
};

struct OpenArguments {
    PyObject* path = nullptr;
    PyObject* numbers[4] = {}; // context, threads, parallel, kept
    PyObject* cache = nullptr;
    int log_level = 0;
    PyObject* progress = nullptr;
};

// False and an exception where an argument is of another type.
bool read(const OpenArguments& given, vb_model_options& options, std::string& cache) {
    const struct {
        const char* name;
        std::uint32_t* field;
    } numbers[] = {{"context", &options.context},
                   {"threads", &options.threads},
                   {"parallel", &options.parallel},
                   {"kept", &options.kept}};
    for (std::size_t index = 0; index < std::size(numbers); ++index) {
        if (given.numbers[index] == Py_None) { continue; }
        const auto number = unsigned_of(given.numbers[index], numbers[index].name);
        if (!number) { return false; }
        *numbers[index].field = *number;
    }
    if (given.cache != Py_None) {
        auto path = path_of(given.cache);
        if (!path) { return false; }
        cache = *std::move(path);
        options.cache = cache.c_str();
    }
    if (given.progress != Py_None && PyCallable_Check(given.progress) == 0) {
        return refuse_type(given.progress, "progress", "callable");
    }
    options.log_level = given.log_level;
    return true;
}

PyObject* open_model(ModelObject& self, PyObject* arguments) {
    OpenArguments given;
    if (PyArg_ParseTuple(arguments, "OOOOOOiO:open", &given.path, &given.numbers[0], &given.numbers[1],
                         &given.numbers[2], &given.numbers[3], &given.cache, &given.log_level,
                         &given.progress) == 0) {
        return nullptr;
    }
    vb_model_options options = VB_MODEL_OPTIONS_INIT;
    std::string cache;
    const bool is_booted = given.path == Py_None; // the machine's own
    const auto path = is_booted ? std::string() : path_of(given.path);
    if (!path || !read(given, options, cache)) { return nullptr; }
    Progress progress{.function = given.progress == Py_None ? nullptr : given.progress};
    options.progress = Progress::report;
    options.progress_data = &progress;
    self.handle = std::make_shared<ModelHandle>();
    options.log = LogQueue::add;
    options.log_data = self.handle->logs.get();

    const Share handle(self.handle); // should `progress` close the model
    Outcome outcome{};
    {
        const WithoutGil released;
        progress.thread = released.thread();
        outcome = outcome_of(vb_model_open(is_booted ? nullptr : path->c_str(), &options, &handle->model));
    }
    if (PyErr_Occurred() != nullptr) { return nullptr; } // of a signal's handler or of `progress`
    if (outcome.status < 0) {
        return raise(state_of(&self), outcome.status, outcome.error, is_booted ? nullptr : path->c_str());
    }
    Py_RETURN_NONE;
}

PyObject* close_model(ModelObject& self, PyObject* /*none*/) {
    close(self);
    Py_RETURN_NONE;
}

PyObject* descriptor(ModelObject& self, PyObject* /*none*/) {
    const Share handle(self.handle);
    if (!handle) { return raise_closed(state_of(&self), "model"); }
    const std::int32_t fd = vb_model_fd(handle->model);
    if (fd < 0) { return raise_last(state_of(&self), fd); }
    return PyLong_FromLong(fd);
}

PyObject* dispatch(ModelObject& self, PyObject* /*none*/) {
    const Share handle(self.handle);
    if (!handle) { return raise_closed(state_of(&self), "model"); }
    Outcome outcome{};
    {
        const WithoutGil released;
        outcome = outcome_of(vb_model_dispatch(handle->model));
    }
    if (outcome.status < 0) { return raise(state_of(&self), outcome.status, outcome.error); }
    Ref numbers(PyList_New(0));
    for (const std::uint64_t number : handle->news->take()) {
        const Ref one(PyLong_FromUnsignedLongLong(number));
        if (!numbers || !one || PyList_Append(numbers.get(), one.get()) < 0) { return nullptr; }
    }
    return numbers.release();
}

PyObject* take_logs(ModelObject& self, PyObject* /*none*/) {
    const Share handle(self.handle);
    Ref lines(PyList_New(0));
    if (!lines || !handle || handle->is_forked() || handle->logs->is_empty()) { return lines.release(); }
    for (const LogLine& line : handle->logs->take()) {
        const Ref text(
            PyUnicode_DecodeUTF8(line.text.data(), static_cast<Py_ssize_t>(line.text.size()), "replace"));
        if (!text) { return nullptr; }
        const Ref pair(Py_BuildValue("(iO)", line.level, text.get()));
        if (!pair || PyList_Append(lines.get(), pair.get()) < 0) { return nullptr; }
    }
    return lines.release();
}

} // namespace

void close_models(ModuleState& state) {
    while (!state.models.empty()) {
        ModelObject* const one = *state.models.begin();
        state.models.erase(one);
        close(*one);
    }
}

bool add_model(PyObject* module, ModuleState& state) {
    static PyMethodDef methods[] = {
        {"open", as_method<open_model, ModelObject>, METH_VARARGS,
         "open($self, path, context, threads, parallel, kept, cache, log_level, progress, /)\n--\n\nLoads "
         "the model; log_level is a VB_LOG_*."},
        {"close", as_method<close_model, ModelObject>, METH_NOARGS,
         "close($self, /)\n--\n\nCancels what is under way and gives the handle back."},
        {"fileno", as_method<descriptor, ModelObject>, METH_NOARGS,
         "fileno($self, /)\n--\n\nReadable while answers that are polled have news."},
        {"dispatch", as_method<dispatch, ModelObject>, METH_NOARGS,
         "dispatch($self, /)\n--\n\nThe numbers of the requests that have news; receives it."},
        {"take_logs", as_method<take_logs, ModelObject>, METH_NOARGS,
         "take_logs($self, /)\n--\n\nWhat the engine said since the last time: its level, a VB_LOG_*, and "
         "the text."},
        {"info", as_method<info, ModelObject>, METH_NOARGS,
         "info($self, /)\n--\n\nWhat is known of the model."},
        {"tokenize", as_method<tokenize, ModelObject>, METH_VARARGS,
         "tokenize($self, text, special, /)\n--\n\nThe tokens of a text."},
        {"detokenize", as_method<detokenize, ModelObject>, METH_VARARGS,
         "detokenize($self, tokens, special, /)\n--\n\nThe text of tokens."},
        {"render", as_method<render, ModelObject>, METH_O,
         "render($self, messages, /)\n--\n\nWhat the chat template makes of messages."},
        {"embed", as_method<embed, ModelObject>, METH_O,
         "embed($self, texts, /)\n--\n\nThe embeddings of texts."},
        {"chat", as_method<chat, ModelObject>, METH_VARARGS,
         "chat($self, messages, options, /)\n--\n\nA request that has not begun."},
        {"complete", as_method<complete, ModelObject>, METH_VARARGS,
         "complete($self, prompt, options, /)\n--\n\nA request that has not begun."},
        {"session", as_method<session, ModelObject>, METH_NOARGS,
         "session($self, /)\n--\n\nAn empty conversation."},
        {"load", as_method<load, ModelObject>, METH_O, "load($self, path, /)\n--\n\nA saved conversation."},
        {nullptr, nullptr, 0, nullptr}};
    PyType_Slot slots[] = {{Py_tp_new, reinterpret_cast<void*>(model_new)},
                           {Py_tp_dealloc, reinterpret_cast<void*>(model_dealloc)},
                           {Py_tp_methods, methods},
                           {0, nullptr}};
    PyType_Spec spec{"vector_boot._vector_boot.Model", sizeof(ModelObject), 0, Py_TPFLAGS_DEFAULT, slots};
    return add_type(module, spec, state.model_type);
}

} // namespace vb::python
