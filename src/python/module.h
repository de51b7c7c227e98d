// The extension module `_vector_boot`: what all its types share. All state is in the module object, so that
// each interpreter has its own; nothing is static. Uses vector_boot.h and nothing else of ours.
#pragma once

#include "python/interpreter.h"

#include "vector_boot.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <unordered_set>

namespace vb::python {

struct ModelObject;

struct ModuleState {
    static constexpr std::size_t most_statuses = 12; // VB_ERROR_ARGUMENT is 1 here, and so on

    PyObject* error = nullptr; // vector_boot.Error
    std::array<PyObject*, most_statuses> errors{};
    PyTypeObject* model_type = nullptr;
    PyTypeObject* request_type = nullptr;
    PyTypeObject* session_type = nullptr;
    PyTypeObject* embeddings_type = nullptr;
    PyTypeObject* device_type = nullptr;
    PyTypeObject* region_type = nullptr;
    PyTypeObject* interrupt_type = nullptr;
    PyTypeObject* poll_type = nullptr;
    PyTypeObject* dma_type = nullptr;
    PyTypeObject* gpio_type = nullptr;
    PyTypeObject* input_type = nullptr;
    PyTypeObject* uevents_type = nullptr;
    PyTypeObject* info_type = nullptr;
    PyTypeObject* usage_type = nullptr;
    PyTypeObject* token_type = nullptr;
    PyTypeObject* edge_type = nullptr;
    PyTypeObject* input_event_type = nullptr;
    PyTypeObject* uevent_type = nullptr;
    std::unordered_set<ModelObject*> models; // all there are, to be closed before the process ends
};

ModuleState& state_of(PyObject* module) noexcept;
// Of an object of one of the module's types.
template <class Object>
ModuleState& state_of(const Object* self) noexcept {
    PyTypeObject* const type = Py_TYPE(const_cast<PyObject*>(&self->base));
    return *static_cast<ModuleState*>(PyType_GetModuleState(type));
}

// Each adds its types; false and an exception where that fails.
bool add_errors(PyObject* module, ModuleState& state);
bool add_records(PyObject* module, ModuleState& state);
bool add_model(PyObject* module, ModuleState& state);
bool add_request(PyObject* module, ModuleState& state);
bool add_session(PyObject* module, ModuleState& state);
bool add_embeddings(PyObject* module, ModuleState& state);
bool add_devices(PyObject* module, ModuleState& state);
bool add_lines(PyObject* module, ModuleState& state);

// Makes the type and puts it into the module.
bool add_type(PyObject* module, PyType_Spec& spec, PyTypeObject*& type);

// A new object of `type`, whose C++ part the caller constructs.
template <class Object>
Object* allocate(PyTypeObject* type) noexcept {
    return reinterpret_cast<Object*>(PyType_GenericAlloc(type, 0));
}
// The end of tp_dealloc, after the C++ part was destroyed.
template <class Object>
void deallocate(Object* self) noexcept {
    PyTypeObject* const type = Py_TYPE(&self->base);
    PyObject_Free(self);
    Py_DECREF(type);
}

} // namespace vb::python
