// vector_boot._vector_boot.Device, and what it gives, as vector_boot_device.h has it. The GIL is kept: an access takes less
// time than to give it up.
#include "python/handle_object.h"
#include "python/values.h"

#include "vector_boot_device.h"

#include <memory>

namespace vb::python {
namespace {

// --- Device

PyObject* device_new(PyTypeObject* type, PyObject* arguments, PyObject* /*keywords*/) noexcept {
    return open_by_text<DeviceObject, vb_device_open, vb_device>(type, arguments, "s:Device");
}

PyObject* device_check(PyTypeObject& type, PyObject* what) {
    const auto text = c_text_of(what, "what");
    if (!text) { return nullptr; }
    if (const std::int32_t status = vb_device_check(text->c_str()); status < 0) {
        return raise_last(*static_cast<ModuleState*>(PyType_GetModuleState(&type)), status);
    }
    Py_RETURN_NONE;
}

PyObject* device_name(DeviceObject& self, PyObject* /*none*/) {
    return is_open(self, "device") ? PyUnicode_DecodeFSDefault(vb_device_name(self.handle)) : nullptr;
}

PyObject* device_regions(DeviceObject& self, PyObject* /*none*/) {
    if (!is_open(self, "device")) { return nullptr; }
    const std::int32_t count = vb_device_region_count(self.handle);
    Ref names(PyList_New(0));
    for (std::int32_t index = 0; names && index < count; ++index) {
        const Ref name(
            PyUnicode_DecodeFSDefault(vb_device_region_name(self.handle, static_cast<std::uint32_t>(index))));
        if (!name || PyList_Append(names.get(), name.get()) < 0) { return nullptr; }
    }
    return names.release();
}

PyObject* device_map(DeviceObject& self, PyObject* index) {
    const auto number = unsigned_of(index, "index");
    if (!number || !is_open(self, "device")) { return nullptr; }
    vb_region* mapped = nullptr;
    if (const std::int32_t status = vb_device_map(self.handle, *number, &mapped); status < 0) {
        return raise_last(state_of(&self), status);
    }
    return wrap<RegionObject>(state_of(&self).region_type, mapped);
}

template <auto open_interrupt>
PyObject* device_interrupt(DeviceObject& self, PyObject* /*none*/) {
    if (!is_open(self, "device")) { return nullptr; }
    vb_interrupt* interrupt = nullptr;
    if (const std::int32_t status = open_interrupt(self.handle, &interrupt); status < 0) {
        return raise_last(state_of(&self), status);
    }
    return wrap<InterruptObject>(state_of(&self).interrupt_type, interrupt);
}

PyObject* device_allocate(DeviceObject& self, PyObject* arguments) {
    Py_ssize_t size = 0;
    unsigned long long mask = 0;
    if (PyArg_ParseTuple(arguments, "nK:allocate", &size, &mask) == 0 || !is_open(self, "device")) {
        return nullptr;
    }
    if (size <= 0) {
        PyErr_Format(PyExc_ValueError, "size is %zd, expected a number of bytes", size);
        return nullptr;
    }
    vb_dma* memory = nullptr;
    if (const std::int32_t status =
            vb_device_allocate(self.handle, static_cast<std::size_t>(size), mask, &memory);
        status < 0) {
        return raise_last(state_of(&self), status);
    }
    return wrap<DmaObject>(state_of(&self).dma_type, memory);
}

PyObject* device_is_present(DeviceObject& self, PyObject* /*none*/) {
    if (!is_open(self, "device")) { return nullptr; }
    const std::int32_t present = vb_device_is_present(self.handle);
    return present < 0 ? raise_last(state_of(&self), present) : PyBool_FromLong(present);
}

// --- Region

PyObject* region_size(RegionObject& self, PyObject* /*none*/) {
    return is_open(self, "region") ? PyLong_FromSize_t(vb_region_size(self.handle)) : nullptr;
}

PyObject* region_read(RegionObject& self, PyObject* arguments) {
    unsigned int width = 0;
    Py_ssize_t offset = 0;
    if (PyArg_ParseTuple(arguments, "In:read", &width, &offset) == 0 || !is_open(self, "region")) {
        return nullptr;
    }
    std::uint64_t value = 0;
    const std::int32_t status = vb_region_read(self.handle, width, static_cast<std::size_t>(offset), &value);
    return status < 0 ? raise_last(state_of(&self), status) : PyLong_FromUnsignedLongLong(value);
}

PyObject* region_write(RegionObject& self, PyObject* arguments) {
    unsigned int width = 0;
    Py_ssize_t offset = 0;
    unsigned long long value = 0;
    if (PyArg_ParseTuple(arguments, "InK:write", &width, &offset, &value) == 0 || !is_open(self, "region")) {
        return nullptr;
    }
    return none_or_error(self, vb_region_write(self.handle, width, static_cast<std::size_t>(offset), value));
}

PyObject* region_read_block(RegionObject& self, PyObject* arguments) {
    unsigned int width = 0;
    Py_ssize_t offset = 0;
    Py_ssize_t size = 0;
    if (PyArg_ParseTuple(arguments, "Inn:read_block", &width, &offset, &size) == 0 ||
        !is_open(self, "region")) {
        return nullptr;
    }
    if (size < 0) {
        PyErr_Format(PyExc_ValueError, "size is %zd, expected a number of bytes", size);
        return nullptr;
    }
    Ref bytes(PyBytes_FromStringAndSize(nullptr, size));
    if (!bytes) { return nullptr; }
    const std::int32_t status =
        vb_region_read_block(self.handle, width, static_cast<std::size_t>(offset),
                             PyBytes_AsString(bytes.get()), static_cast<std::size_t>(size));
    return status < 0 ? raise_last(state_of(&self), status) : bytes.release();
}

PyObject* region_write_block(RegionObject& self, PyObject* arguments) {
    unsigned int width = 0;
    Py_ssize_t offset = 0;
    Py_buffer content;
    if (PyArg_ParseTuple(arguments, "Iny*:write_block", &width, &offset, &content) == 0) { return nullptr; }
    const std::unique_ptr<Py_buffer, decltype(&PyBuffer_Release)> held(&content, PyBuffer_Release);
    if (!is_open(self, "region")) { return nullptr; }
    return none_or_error(self, vb_region_write_block(self.handle, width, static_cast<std::size_t>(offset),
                                                     content.buf, static_cast<std::size_t>(content.len)));
}

PyObject* region_poll(RegionObject& self, PyObject* arguments) {
    unsigned int width = 0;
    Py_ssize_t offset = 0;
    unsigned long long mask = 0;
    unsigned long long period = 0;
    if (PyArg_ParseTuple(arguments, "InKK:poll", &width, &offset, &mask, &period) == 0 ||
        !is_open(self, "region")) {
        return nullptr;
    }
    vb_poll* poll = nullptr;
    if (const std::int32_t status =
            vb_region_poll(self.handle, width, static_cast<std::size_t>(offset), mask, period, &poll);
        status < 0) {
        return raise_last(state_of(&self), status);
    }
    return wrap<PollObject>(state_of(&self).poll_type, poll);
}

// --- Interrupt and Poll

PyObject* interrupt_fileno(InterruptObject& self, PyObject* /*none*/) {
    return fileno_of<vb_interrupt_fd>(self, "interrupt");
}

PyObject* interrupt_take(InterruptObject& self, PyObject* /*none*/) {
    if (!is_open(self, "interrupt")) { return nullptr; }
    std::uint64_t count = 0;
    const std::int32_t status = vb_interrupt_take(self.handle, &count);
    return status < 0 ? raise_last(state_of(&self), status) : PyLong_FromUnsignedLongLong(count);
}

PyObject* interrupt_arm(InterruptObject& self, PyObject* /*none*/) {
    return is_open(self, "interrupt") ? none_or_error(self, vb_interrupt_arm(self.handle)) : nullptr;
}

PyObject* poll_fileno(PollObject& self, PyObject* /*none*/) { return fileno_of<vb_poll_fd>(self, "poll"); }

PyObject* poll_take(PollObject& self, PyObject* /*none*/) {
    if (!is_open(self, "poll")) { return nullptr; }
    std::uint64_t value = 0;
    const std::int32_t status = vb_poll_take(self.handle, &value);
    if (status < 0) { return raise_last(state_of(&self), status); }
    if (status == VB_AGAIN) { Py_RETURN_NONE; }
    return PyLong_FromUnsignedLongLong(value);
}

// --- Dma

PyObject* dma_address(DmaObject& self, PyObject* /*none*/) {
    return PyLong_FromUnsignedLongLong(vb_dma_address(self.handle));
}

int dma_buffer(PyObject* object, Py_buffer* view, int flags) noexcept {
    vb_dma* const memory = reinterpret_cast<DmaObject*>(object)->handle;
    return PyBuffer_FillInfo(view, object, vb_dma_data(memory), static_cast<Py_ssize_t>(vb_dma_size(memory)),
                             0, flags);
}

} // namespace

bool add_devices(PyObject* module, ModuleState& state) {
    static PyMethodDef device[] = {
        {"check", as_method<device_check, PyTypeObject>, METH_O | METH_CLASS,
         "check($type, what, /)\n--\n\nWhether the text, or what the name stands for, is one of a device."},
        {"name", as_method<device_name, DeviceObject>, METH_NOARGS,
         "name($self, /)\n--\n\nHow it is found again."},
        {"regions", as_method<device_regions, DeviceObject>, METH_NOARGS,
         "regions($self, /)\n--\n\nTheir names."},
        {"map", as_method<device_map, DeviceObject>, METH_O,
         "map($self, index, /)\n--\n\nOne of its regions."},
        {"interrupt", as_method<device_interrupt<vb_device_interrupt>, DeviceObject>, METH_NOARGS,
         "interrupt($self, /)\n--\n\nIts interrupt."},
        {"removal", as_method<device_interrupt<vb_device_removal>, DeviceObject>, METH_NOARGS,
         "removal($self, /)\n--\n\nWhen the kernel wants it back."},
        {"allocate", as_method<device_allocate, DeviceObject>, METH_VARARGS,
         "allocate($self, size, mask, /)\n--\n\nMemory that it reads and writes by itself."},
        {"is_present", as_method<device_is_present, DeviceObject>, METH_NOARGS,
         "is_present($self, /)\n--\n\nWhether the kernel knows it."},
        {"close", as_method<close<DeviceObject>, DeviceObject>, METH_NOARGS,
         "close($self, /)\n--\n\nCloses it; its parts stay."},
        {nullptr, nullptr, 0, nullptr}};
    static PyMethodDef region[] = {
        {"size", as_method<region_size, RegionObject>, METH_NOARGS, "size($self, /)\n--\n\nBytes."},
        {"read", as_method<region_read, RegionObject>, METH_VARARGS,
         "read($self, width, offset, /)\n--\n\nOne access."},
        {"write", as_method<region_write, RegionObject>, METH_VARARGS,
         "write($self, width, offset, value, /)\n--\n\nOne access."},
        {"read_block", as_method<region_read_block, RegionObject>, METH_VARARGS,
         "read_block($self, width, offset, size, /)\n--\n\nMany accesses."},
        {"write_block", as_method<region_write_block, RegionObject>, METH_VARARGS,
         "write_block($self, width, offset, content, /)\n--\n\nMany accesses."},
        {"poll", as_method<region_poll, RegionObject>, METH_VARARGS,
         "poll($self, width, offset, mask, period_us, /)\n--\n\nA register that is read with a period."},
        {"close", as_method<close<RegionObject>, RegionObject>, METH_NOARGS,
         "close($self, /)\n--\n\nUnmaps it."},
        {nullptr, nullptr, 0, nullptr}};
    static PyMethodDef interrupt[] = {{"fileno", as_method<interrupt_fileno, InterruptObject>, METH_NOARGS,
                                       "fileno($self, /)\n--\n\nReadable while there are some."},
                                      {"take", as_method<interrupt_take, InterruptObject>, METH_NOARGS,
                                       "take($self, /)\n--\n\nHow many came since the last time."},
                                      {"arm", as_method<interrupt_arm, InterruptObject>, METH_NOARGS,
                                       "arm($self, /)\n--\n\nLets the next one through."},
                                      {"close", as_method<close<InterruptObject>, InterruptObject>,
                                       METH_NOARGS, "close($self, /)\n--\n\nEnds it."},
                                      {nullptr, nullptr, 0, nullptr}};
    static PyMethodDef poll[] = {
        {"fileno", as_method<poll_fileno, PollObject>, METH_NOARGS,
         "fileno($self, /)\n--\n\nReadable when the register is to be read."},
        {"take", as_method<poll_take, PollObject>, METH_NOARGS,
         "take($self, /)\n--\n\nThe value if it has changed, else None."},
        {"close", as_method<close<PollObject>, PollObject>, METH_NOARGS, "close($self, /)\n--\n\nEnds it."},
        {nullptr, nullptr, 0, nullptr}};
    static PyMethodDef dma[] = {{"address", as_method<dma_address, DmaObject>, METH_NOARGS,
                                 "address($self, /)\n--\n\nWhat the device is told."},
                                {nullptr, nullptr, 0, nullptr}};
    static constexpr char dma_document[] =
        "Memory that a device reads and writes by itself: a buffer, of whole pages.";
    constexpr unsigned int made_by_others = Py_TPFLAGS_DISALLOW_INSTANTIATION;
    return add_handle_type<DeviceObject>(module, "vector_boot._vector_boot.Device", device, state.device_type,
                                         0, {{Py_tp_new, reinterpret_cast<void*>(device_new)}}) &&
           add_handle_type<RegionObject>(module, "vector_boot._vector_boot.Region", region, state.region_type,
                                         made_by_others) &&
           add_handle_type<InterruptObject>(module, "vector_boot._vector_boot.Interrupt", interrupt,
                                            state.interrupt_type, made_by_others) &&
           add_handle_type<PollObject>(module, "vector_boot._vector_boot.Poll", poll, state.poll_type,
                                       made_by_others) &&
           add_handle_type<DmaObject>(module, "vector_boot._vector_boot.Dma", dma, state.dma_type,
                                      made_by_others,
                                      {{Py_bf_getbuffer, reinterpret_cast<void*>(dma_buffer)},
                                       {Py_tp_doc, const_cast<char*>(dma_document)}});
}

} // namespace vb::python
