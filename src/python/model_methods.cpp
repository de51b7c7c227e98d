#include "python/model_methods.h"

#include "python/json_text.h"
#include "python/values.h"

#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace vb::python {
namespace {

// Calls `function`, which makes a buffer, without the GIL. Empty, and an exception, where it fails.
template <class Function>
Buffer make_buffer(const ModelObject& self, Function function) {
    const Share handle(self.handle);
    if (!handle) {
        raise_closed(state_of(&self), "model");
        return nullptr;
    }
    vb_buffer* made = nullptr;
    Outcome outcome{};
    {
        const WithoutGil released;
        outcome = outcome_of(function(handle->model, &made));
    }
    Buffer buffer(made);
    if (outcome.status < 0) {
        raise(state_of(&self), outcome.status, outcome.error);
        return nullptr;
    }
    return buffer;
}

PyObject* text_in(const Buffer& buffer) {
    if (!buffer) { return nullptr; }
    return PyUnicode_DecodeUTF8(static_cast<const char*>(vb_buffer_data(buffer.get())),
                                static_cast<Py_ssize_t>(vb_buffer_size(buffer.get())), "replace");
}

// What begins a request of a model that may be closed until then.
template <class Function>
Request::Begin begin_with(const ModelObject& self, Function function) {
    return [model = std::weak_ptr(self.handle),
            function = std::move(function)](const vb_request_options& options, vb_request** out) -> Outcome {
        const std::shared_ptr<ModelHandle> handle = model.lock(); // without the GIL: it may be the last one
        if (handle == nullptr) { return {.status = VB_ERROR_CANCELLED, .error = "the model is closed"}; }
        return outcome_of(function(handle->model, options, out));
    };
}

std::optional<std::vector<std::string>> texts_of(PyObject* given) {
    const bool is_one = PyUnicode_Check(given);
    const Ref list(is_one ? PyList_New(0) : PySequence_List(given));
    if (!list) {
        if (PyErr_ExceptionMatches(PyExc_TypeError) != 0) {
            refuse_type(given, "texts", "a str or a list of str");
        }
        return std::nullopt;
    }
    if (is_one && PyList_Append(list.get(), given) < 0) { return std::nullopt; }
    std::vector<std::string> texts;
    const Py_ssize_t size = PyList_Size(list.get());
    for (Py_ssize_t index = 0; index < size; ++index) {
        auto text = c_text_of(PyList_GetItem(list.get(), index), "texts: each of them");
        if (!text) { return std::nullopt; }
        texts.push_back(*std::move(text));
    }
    return texts;
}

} // namespace

PyObject* info(ModelObject& self, PyObject* /*none*/) {
    const Share handle(self.handle);
    if (!handle) { return raise_closed(state_of(&self), "model"); }
    vb_model_info info = VB_MODEL_INFO_INIT;
    const std::int32_t status = vb_model_get_info(handle->model, &info);
    if (status < 0) { return raise_last(state_of(&self), status); }
    return make_info(state_of(&self), handle->model, info).release();
}

PyObject* tokenize(ModelObject& self, PyObject* arguments) {
    PyObject* given = nullptr;
    int special = 1;
    if (PyArg_ParseTuple(arguments, "Up:tokenize", &given, &special) == 0) { return nullptr; }
    const auto text = text_of(given);
    if (!text) { return nullptr; }
    const Buffer buffer = make_buffer(self, [&](const vb_model* model, vb_buffer** out) {
        return vb_model_tokenize(model, text->data(), text->size(), special, out);
    });
    if (!buffer) { return nullptr; }
    const std::span tokens(static_cast<const std::int32_t*>(vb_buffer_data(buffer.get())),
                           vb_buffer_size(buffer.get()) / sizeof(std::int32_t));
    Ref list(PyList_New(static_cast<Py_ssize_t>(tokens.size())));
    Py_ssize_t index = 0;
    for (const std::int32_t token : tokens) {
        if (!list) { return nullptr; }
        PyObject* const one = PyLong_FromLong(token);
        if (one == nullptr || PyList_SetItem(list.get(), index++, one) < 0) { return nullptr; }
    }
    return list.release();
}

PyObject* detokenize(ModelObject& self, PyObject* arguments) {
    PyObject* given = nullptr;
    int special = 1;
    if (PyArg_ParseTuple(arguments, "Op:detokenize", &given, &special) == 0) { return nullptr; }
    const auto tokens = tokens_of(given, "tokens");
    if (!tokens) { return nullptr; }
    return text_in(make_buffer(self, [&](const vb_model* model, vb_buffer** out) {
        return vb_model_detokenize(model, tokens->data(), tokens->size(), special, out);
    }));
}

PyObject* render(ModelObject& self, PyObject* given) {
    const auto messages = messages_text(given);
    if (!messages) { return nullptr; }
    return text_in(make_buffer(self, [&](const vb_model* model, vb_buffer** out) {
        return vb_model_render(model, messages->c_str(), out);
    }));
}

PyObject* embed(ModelObject& self, PyObject* given) {
    const auto texts = texts_of(given);
    if (!texts) { return nullptr; }
    std::vector<const char*> pointers;
    for (const std::string& text : *texts) {
        pointers.push_back(text.c_str());
    }
    vb_model_info info = VB_MODEL_INFO_INIT;
    Buffer buffer = make_buffer(self, [&](vb_model* model, vb_buffer** out) {
        const std::int32_t status = vb_model_get_info(model, &info);
        return status < 0 ? status : vb_model_embed(model, pointers.data(), pointers.size(), out);
    });
    if (!buffer) { return nullptr; }
    return make_embeddings(state_of(&self), buffer.release(), texts->size(), info.embedding);
}

PyObject* chat(ModelObject& self, PyObject* arguments) {
    PyObject* given = nullptr;
    PyObject* options = nullptr;
    if (PyArg_ParseTuple(arguments, "OO!:chat", &given, &PyDict_Type, &options) == 0) { return nullptr; }
    if (!self.handle) { return raise_closed(state_of(&self), "model"); }
    auto messages = messages_text(given);
    if (!messages) { return nullptr; }
    Ref request = make_request(state_of(&self), self.handle->news, options);
    if (!request) { return nullptr; }
    request_of(request).set_begin(
        begin_with(self, [messages = *std::move(messages)](vb_model* model, const vb_request_options& with,
                                                           vb_request** out) {
            return vb_model_chat(model, messages.c_str(), &with, out);
        }));
    return request.release();
}

PyObject* complete(ModelObject& self, PyObject* arguments) {
    PyObject* given = nullptr;
    PyObject* options = nullptr;
    if (PyArg_ParseTuple(arguments, "OO!:complete", &given, &PyDict_Type, &options) == 0) { return nullptr; }
    if (!self.handle) { return raise_closed(state_of(&self), "model"); }
    std::variant<std::string, std::vector<std::int32_t>> prompt;
    if (PyUnicode_Check(given)) {
        const auto text = text_of(given);
        if (!text) { return nullptr; }
        prompt = std::string(*text);
    } else {
        auto tokens = tokens_of(given, "prompt");
        if (!tokens) { return nullptr; }
        prompt = *std::move(tokens);
    }
    Ref request = make_request(state_of(&self), self.handle->news, options);
    if (!request) { return nullptr; }
    request_of(request).set_begin(
        begin_with(self, [prompt = std::move(prompt)](vb_model* model, const vb_request_options& with,
                                                      vb_request** out) {
            if (const auto* text = std::get_if<std::string>(&prompt)) {
                return vb_model_complete(model, text->data(), text->size(), &with, out);
            }
            const auto& tokens = std::get<std::vector<std::int32_t>>(prompt);
            return vb_model_complete_tokens(model, tokens.data(), tokens.size(), &with, out);
        }));
    return request.release();
}

PyObject* session(ModelObject& self, PyObject* /*none*/) {
    const Share handle(self.handle);
    if (!handle) { return raise_closed(state_of(&self), "model"); }
    vb_session* session = nullptr;
    const std::int32_t status = vb_session_open(handle->model, &session);
    if (status < 0) { return raise_last(state_of(&self), status); }
    return make_session(state_of(&self), handle->news, session);
}

PyObject* load(ModelObject& self, PyObject* given) {
    const auto path = path_of(given);
    if (!path) { return nullptr; }
    const Share handle(self.handle);
    if (!handle) { return raise_closed(state_of(&self), "model"); }
    vb_session* session = nullptr;
    Outcome outcome{};
    {
        const WithoutGil released;
        outcome = outcome_of(vb_session_load(handle->model, path->c_str(), &session));
    }
    if (outcome.status < 0) { return raise(state_of(&self), outcome.status, outcome.error, path->c_str()); }
    return make_session(state_of(&self), handle->news, session);
}

} // namespace vb::python
