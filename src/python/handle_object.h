// Python objects that are one handle of the library each: how they are made, checked and closed.
#pragma once

#include "python/objects.h"

#include "vector_boot_device.h"

#include <cstdint>
#include <initializer_list>
#include <utility>

namespace vb::python {

template <class Handle, void (*free_handle)(Handle*)>
struct HandleObject {
    PyObject base;
    Handle* handle; // NULL after close()

    static void end(Handle* ended) noexcept { free_handle(ended); }
};
using DeviceObject = HandleObject<vb_device, vb_device_free>;
using RegionObject = HandleObject<vb_region, vb_region_free>;
using InterruptObject = HandleObject<vb_interrupt, vb_interrupt_free>;
using PollObject = HandleObject<vb_poll, vb_poll_free>;
using DmaObject = HandleObject<vb_dma, vb_dma_free>;
using GpioObject = HandleObject<vb_gpio, vb_gpio_free>;
using InputObject = HandleObject<vb_input, vb_input_free>;
using UeventsObject = HandleObject<vb_uevents, vb_uevents_free>;

template <class Object>
void dealloc(PyObject* object) noexcept {
    auto* const self = reinterpret_cast<Object*>(object);
    Object::end(self->handle);
    deallocate(self);
}

template <class Object>
PyObject* close(Object& self, PyObject* /*none*/) {
    Object::end(std::exchange(self.handle, nullptr));
    Py_RETURN_NONE;
}

// A new object of `type`, whose handle it owns from here on.
template <class Object, class Handle>
PyObject* wrap(PyTypeObject* type, Handle* handle) {
    auto* const self = allocate<Object>(type);
    if (self == nullptr) {
        Object::end(handle);
        return nullptr;
    }
    self->handle = handle;
    return &self->base;
}

// tp_new of what a line of text opens.
template <class Object, auto open, class Handle>
PyObject* open_by_text(PyTypeObject* type, PyObject* arguments, const char* format) noexcept {
    const char* what = nullptr;
    if (PyArg_ParseTuple(arguments, format, &what) == 0) { return nullptr; }
    Handle* opened = nullptr;
    if (const std::int32_t status = open(what, &opened); status < 0) {
        return raise_last(*static_cast<ModuleState*>(PyType_GetModuleState(type)), status);
    }
    return wrap<Object>(type, opened);
}

// False, and an exception, where it was closed.
template <class Object>
bool is_open(const Object& self, const char* what) {
    if (self.handle != nullptr) { return true; }
    raise_closed(state_of(&self), what);
    return false;
}

template <class Object>
PyObject* none_or_error(const Object& self, std::int32_t status) {
    if (status < 0) { return raise_last(state_of(&self), status); }
    Py_RETURN_NONE;
}

// The descriptor that `descriptor_of` gives of the handle, which is called `what`.
template <auto descriptor_of, class Object>
PyObject* fileno_of(const Object& self, const char* what) {
    return is_open(self, what) ? PyLong_FromLong(descriptor_of(self.handle)) : nullptr;
}

// Makes the type of such objects, and puts it into the module.
template <class Object>
bool add_handle_type(PyObject* module, const char* name, PyMethodDef* methods, PyTypeObject*& type,
                     unsigned int flags, std::initializer_list<PyType_Slot> more = {}) {
    PyType_Slot slots[8] = {{Py_tp_dealloc, reinterpret_cast<void*>(dealloc<Object>)},
                            {Py_tp_methods, methods}};
    std::size_t used = 2;
    for (const PyType_Slot& slot : more) {
        slots[used++] = slot;
    }
    slots[used] = {0, nullptr};
    PyType_Spec spec{name, sizeof(Object), 0, static_cast<unsigned int>(Py_TPFLAGS_DEFAULT) | flags, slots};
    return add_type(module, spec, type);
}

} // namespace vb::python
