// The functions of the module: the machine that it runs on, if that booted for it.
#include "python/machine_functions.h"

#include "python/errors.h"
#include "python/objects.h"
#include "python/values.h"

#include "vector_boot_device.h"
#include "vector_boot_machine.h"

#include <memory>

namespace vb::python {
namespace {

PyObject* none_or_error(PyObject* module, std::int32_t status) {
    if (status < 0) { return raise_last(state_of(module), status); }
    Py_RETURN_NONE;
}

PyObject* is_booted(PyObject* /*module*/, PyObject* /*none*/) noexcept {
    return PyBool_FromLong(vb_machine_is_booted());
}

PyObject* ready(PyObject* module, PyObject* /*none*/) noexcept {
    return none_or_error(module, vb_machine_ready());
}

PyObject* status(PyObject* module, PyObject* text) noexcept {
    try {
        const auto line = c_text_of(text, "text");
        return line ? none_or_error(module, vb_machine_set_status(line->c_str())) : nullptr;
    } catch (...) { return raise_caught(); }
}

PyObject* watchdog(PyObject* module, PyObject* milliseconds) noexcept {
    const auto patience = unsigned_of(milliseconds, "milliseconds");
    return patience ? none_or_error(module, vb_machine_watchdog(*patience)) : nullptr;
}

PyObject* timeline(PyObject* module, PyObject* /*none*/) noexcept {
    vb_buffer* made = nullptr;
    if (const std::int32_t status = vb_machine_timeline(&made); status < 0) {
        return raise_last(state_of(module), status);
    }
    const Buffer text(made);
    return PyUnicode_DecodeUTF8(static_cast<const char*>(vb_buffer_data(text.get())),
                                static_cast<Py_ssize_t>(vb_buffer_size(text.get())), "replace");
}

PyObject* barrier(PyObject* /*module*/, PyObject* /*none*/) noexcept {
    vb_barrier();
    Py_RETURN_NONE;
}

PyObject* serve(PyObject* module, PyObject* /*none*/) noexcept {
    Outcome outcome{};
    {
        const WithoutGil released;
        outcome = outcome_of(vb_machine_serve());
    }
    if (outcome.status < 0) { return raise(state_of(module), outcome.status, outcome.error); }
    Py_RETURN_NONE;
}

} // namespace

PyMethodDef* machine_functions() noexcept {
    static PyMethodDef functions[] = {
        {"is_booted", is_booted, METH_NOARGS,
         "is_booted($module, /)\n--\n\nWhether this process is a machine's runtime."},
        {"ready", ready, METH_NOARGS, "ready($module, /)\n--\n\nThe program is up."},
        {"status", status, METH_O, "status($module, text, /)\n--\n\nWhat vbctl status shows of the program."},
        {"watchdog", watchdog, METH_O,
         "watchdog($module, milliseconds, /)\n--\n\nThe next call comes within this time; 0: none does."},
        {"timeline", timeline, METH_NOARGS,
         "timeline($module, /)\n--\n\nThe boot, as JSON in the format of Chrome's traces."},
        {"serve", serve, METH_NOARGS, "serve($module, /)\n--\n\nServes the HTTP API beside the program."},
        {"barrier", barrier, METH_NOARGS, "barrier($module, /)\n--\n\nOrders accesses to devices."},
        {nullptr, nullptr, 0, nullptr}};
    return functions;
}

} // namespace vb::python
