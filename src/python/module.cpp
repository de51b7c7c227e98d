#include "python/module.h"

#include "python/machine_functions.h"
#include "python/objects.h"

#include <new>

namespace vb::python {
namespace {

void* address(PyObject* module) noexcept { return PyModule_GetState(module); }

PyObject* close_all(PyObject* module, PyObject* /*none*/) noexcept {
    close_models(state_of(module));
    Py_RETURN_NONE;
}

// The engine's threads must not run while the process takes the libraries under them down.
bool register_end(PyObject* module) {
    static PyMethodDef end = {"_close_models", close_all, METH_NOARGS, "Closes every model there is."};
    const Ref function(PyCFunction_NewEx(&end, module, nullptr));
    const Ref atexit(PyImport_ImportModule("atexit"));
    if (!function || !atexit) { return false; }
    return static_cast<bool>(Ref(PyObject_CallMethod(atexit.get(), "register", "O", function.get())));
}

int execute(PyObject* module) noexcept {
    auto& state = *new (address(module)) ModuleState();
    const bool done =
        add_errors(module, state) && add_records(module, state) && add_model(module, state) &&
        add_request(module, state) && add_session(module, state) && add_embeddings(module, state) &&
        add_devices(module, state) && add_lines(module, state) &&
        PyModule_AddStringConstant(module, "version", vb_version()) == 0 && register_end(module);
    return done ? 0 : -1;
}

// Calls `visit` with each object of the state, until it returns something other than 0.
template <class Visit>
int for_each(ModuleState& state, Visit visit) {
    if (const int stopped = visit(state.error)) { return stopped; }
    for (PyObject*& error : state.errors) {
        if (const int stopped = visit(error)) { return stopped; }
    }
    for (PyTypeObject** type :
         {&state.model_type, &state.request_type, &state.session_type, &state.embeddings_type,
          &state.device_type, &state.region_type, &state.interrupt_type, &state.poll_type, &state.dma_type,
          &state.gpio_type, &state.input_type, &state.uevents_type, &state.edge_type, &state.input_event_type,
          &state.uevent_type, &state.info_type, &state.usage_type, &state.token_type}) {
        auto* object = reinterpret_cast<PyObject*>(*type);
        if (const int stopped = visit(object)) { return stopped; }
        *type = reinterpret_cast<PyTypeObject*>(object);
    }
    return 0;
}

int traverse(PyObject* module, visitproc visit, void* argument) noexcept {
    if (address(module) == nullptr) { return 0; }
    return for_each(state_of(module), [visit, argument](PyObject* object) {
        return object != nullptr ? visit(object, argument) : 0;
    });
}

int clear(PyObject* module) noexcept {
    if (address(module) == nullptr) { return 0; }
    return for_each(state_of(module), [](PyObject*& object) {
        Py_XDECREF(std::exchange(object, nullptr));
        return 0;
    });
}

void free_module(void* module) noexcept {
    auto* const object = static_cast<PyObject*>(module);
    if (address(object) == nullptr) { return; }
    (void)clear(object);
    state_of(object).~ModuleState();
}

} // namespace

ModuleState& state_of(PyObject* module) noexcept { return *static_cast<ModuleState*>(address(module)); }

bool add_type(PyObject* module, PyType_Spec& spec, PyTypeObject*& type) {
    type = reinterpret_cast<PyTypeObject*>(PyType_FromModuleAndSpec(module, &spec, nullptr));
    return type != nullptr && PyModule_AddType(module, type) == 0;
}

} // namespace vb::python

// The name is Python's choice.
PyMODINIT_FUNC PyInit__vector_boot() { // NOLINT(readability-identifier-naming)
    using namespace vb::python;
    static PyModuleDef_Slot slots[] = {{Py_mod_exec, reinterpret_cast<void*>(execute)}, {0, nullptr}};
    static PyModuleDef definition = {
        .m_base = PyModuleDef_HEAD_INIT,
        .m_name = "_vector_boot",
        .m_doc =
            "What the package vector_boot is made of: vector_boot.h as Python objects. Not for programs.",
        .m_size = sizeof(ModuleState),
        .m_methods = machine_functions(),
        .m_slots = slots,
        .m_traverse = traverse,
        .m_clear = clear,
        .m_free = free_module,
    };
    return PyModuleDef_Init(&definition);
}
