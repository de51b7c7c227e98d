// vector_boot._vector_boot.Gpio, Input and Uevents, as vector_boot_device.h has them. The GIL is kept: nothing here waits.
#include "python/handle_object.h"
#include "python/records.h"
#include "python/values.h"

#include "vector_boot_device.h"

#include <limits>

namespace vb::python {
namespace {

// What `take` has put into `record`, as the object that `make` makes of it; None: there is none yet.
template <auto take, auto make, class Object, class Record>
PyObject* next_of(const Object& self, const char* what, Record record) {
    if (!is_open(self, what)) { return nullptr; }
    const std::int32_t status = take(self.handle, &record);
    if (status < 0) { return raise_last(state_of(&self), status); }
    if (status == VB_AGAIN) { Py_RETURN_NONE; }
    return make(state_of(&self), record).release();
}

// --- Gpio

PyObject* gpio_new(PyTypeObject* type, PyObject* arguments, PyObject* /*keywords*/) noexcept {
    return open_by_text<GpioObject, vb_gpio_open, vb_gpio>(type, arguments, "s:Gpio");
}

PyObject* gpio_name(GpioObject& self, PyObject* /*none*/) {
    return is_open(self, "line") ? PyUnicode_DecodeFSDefault(vb_gpio_name(self.handle)) : nullptr;
}

PyObject* gpio_read(GpioObject& self, PyObject* /*none*/) {
    if (!is_open(self, "line")) { return nullptr; }
    std::int32_t value = 0;
    const std::int32_t status = vb_gpio_read(self.handle, &value);
    return status < 0 ? raise_last(state_of(&self), status) : PyBool_FromLong(value);
}

PyObject* gpio_write(GpioObject& self, PyObject* value) {
    const int is_active = PyObject_IsTrue(value);
    if (is_active < 0 || !is_open(self, "line")) { return nullptr; }
    return none_or_error(self, vb_gpio_write(self.handle, is_active));
}

PyObject* gpio_fileno(GpioObject& self, PyObject* /*none*/) { return fileno_of<vb_gpio_fd>(self, "line"); }

PyObject* gpio_take(GpioObject& self, PyObject* /*none*/) {
    return next_of<vb_gpio_take, make_edge>(self, "line", vb_gpio_edge VB_GPIO_EDGE_INIT);
}

// --- Input

PyObject* input_new(PyTypeObject* type, PyObject* arguments, PyObject* /*keywords*/) noexcept {
    return open_by_text<InputObject, vb_input_open, vb_input>(type, arguments, "s:Input");
}

PyObject* input_name(InputObject& self, PyObject* /*none*/) {
    return is_open(self, "input device") ? PyUnicode_DecodeFSDefault(vb_input_name(self.handle)) : nullptr;
}

PyObject* input_fileno(InputObject& self, PyObject* /*none*/) {
    return fileno_of<vb_input_fd>(self, "input device");
}

PyObject* input_take(InputObject& self, PyObject* /*none*/) {
    return next_of<vb_input_take, make_input_event>(self, "input device", vb_input_event VB_INPUT_EVENT_INIT);
}

// Whether the key, or the switch, of that number is on.
template <auto ask>
PyObject* input_state(InputObject& self, PyObject* code) {
    const auto number = unsigned_of(code, "code");
    if (!number || !is_open(self, "input device")) { return nullptr; }
    if (*number > std::numeric_limits<std::uint16_t>::max()) { Py_RETURN_FALSE; }
    const std::int32_t is_on = ask(self.handle, static_cast<std::uint16_t>(*number));
    return is_on < 0 ? raise_last(state_of(&self), is_on) : PyBool_FromLong(is_on);
}

// --- Uevents

PyObject* uevents_new(PyTypeObject* type, PyObject* arguments, PyObject* /*keywords*/) noexcept {
    if (PyArg_ParseTuple(arguments, ":Uevents") == 0) { return nullptr; }
    vb_uevents* opened = nullptr;
    if (const std::int32_t status = vb_uevents_open(&opened); status < 0) {
        return raise_last(*static_cast<ModuleState*>(PyType_GetModuleState(type)), status);
    }
    return wrap<UeventsObject>(type, opened);
}

PyObject* uevents_fileno(UeventsObject& self, PyObject* /*none*/) {
    return fileno_of<vb_uevents_fd>(self, "uevents");
}

PyObject* uevents_take(UeventsObject& self, PyObject* /*none*/) {
    return next_of<vb_uevents_take, make_uevent>(self, "uevents", vb_uevent VB_UEVENT_INIT);
}

constexpr char fileno_document[] = "fileno($self, /)\n--\n\nReadable when there are some.";
constexpr char take_document[] = "take($self, /)\n--\n\nThe next one, None where there is none yet.";
constexpr char name_document[] = "name($self, /)\n--\n\nHow it is found again.";
constexpr char close_document[] = "close($self, /)\n--\n\nCloses it.";

} // namespace

bool add_lines(PyObject* module, ModuleState& state) {
    static PyMethodDef gpio[] = {
        {"name", as_method<gpio_name, GpioObject>, METH_NOARGS, name_document},
        {"read", as_method<gpio_read, GpioObject>, METH_NOARGS,
         "read($self, /)\n--\n\nWhether it is active."},
        {"write", as_method<gpio_write, GpioObject>, METH_O,
         "write($self, is_active, /)\n--\n\nOf an output."},
        {"fileno", as_method<gpio_fileno, GpioObject>, METH_NOARGS, fileno_document},
        {"take", as_method<gpio_take, GpioObject>, METH_NOARGS, take_document},
        {"close", as_method<close<GpioObject>, GpioObject>, METH_NOARGS, close_document},
        {nullptr, nullptr, 0, nullptr}};
    static PyMethodDef input[] = {
        {"name", as_method<input_name, InputObject>, METH_NOARGS, name_document},
        {"fileno", as_method<input_fileno, InputObject>, METH_NOARGS, fileno_document},
        {"take", as_method<input_take, InputObject>, METH_NOARGS, take_document},
        {"is_pressed", as_method<input_state<vb_input_is_pressed>, InputObject>, METH_O,
         "is_pressed($self, code, /)\n--\n\nWhether the key is pressed."},
        {"is_on", as_method<input_state<vb_input_is_on>, InputObject>, METH_O,
         "is_on($self, code, /)\n--\n\nWhether the switch is on."},
        {"close", as_method<close<InputObject>, InputObject>, METH_NOARGS, close_document},
        {nullptr, nullptr, 0, nullptr}};
    static PyMethodDef uevents[] = {
        {"fileno", as_method<uevents_fileno, UeventsObject>, METH_NOARGS, fileno_document},
        {"take", as_method<uevents_take, UeventsObject>, METH_NOARGS, take_document},
        {"close", as_method<close<UeventsObject>, UeventsObject>, METH_NOARGS, close_document},
        {nullptr, nullptr, 0, nullptr}};
    return add_handle_type<GpioObject>(module, "vector_boot._vector_boot.Gpio", gpio, state.gpio_type, 0,
                                       {{Py_tp_new, reinterpret_cast<void*>(gpio_new)}}) &&
           add_handle_type<InputObject>(module, "vector_boot._vector_boot.Input", input, state.input_type, 0,
                                        {{Py_tp_new, reinterpret_cast<void*>(input_new)}}) &&
           add_handle_type<UeventsObject>(module, "vector_boot._vector_boot.Uevents", uevents,
                                          state.uevents_type, 0,
                                          {{Py_tp_new, reinterpret_cast<void*>(uevents_new)}});
}

} // namespace vb::python
