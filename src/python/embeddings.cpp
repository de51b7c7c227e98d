// vector_boot.Embeddings: rows of floats in the memory that the engine wrote them to. NumPy, PyTorch and memoryview
// look at it without copying, and each keeps it alive.
#include "python/dlpack.h"
#include "python/objects.h"
#include "python/values.h"

#include <memory>
#include <new>

namespace vb::python {
namespace {

struct Rows {
    std::shared_ptr<vb_buffer> buffer;
    const float* data = nullptr;
    int dimensions = 2;       // 1: one embedding
    Py_ssize_t shape[2] = {}; // of one embedding the second is unused
    Py_ssize_t strides[2] = {};

    Py_ssize_t count() const noexcept { return dimensions == 2 ? shape[0] * shape[1] : shape[0]; }
};

struct EmbeddingsObject {
    PyObject base;
    Rows rows;
};

const Rows& rows_of(PyObject* self) noexcept { return reinterpret_cast<EmbeddingsObject*>(self)->rows; }

PyObject* make(PyTypeObject* type, Rows rows) {
    auto* const self = allocate<EmbeddingsObject>(type);
    if (self == nullptr) { return nullptr; }
    constexpr Py_ssize_t size = sizeof(float);
    rows.strides[0] = rows.dimensions == 2 ? rows.shape[1] * size : size;
    rows.strides[1] = size;
    new (&self->rows) Rows(std::move(rows));
    return &self->base;
}

void embeddings_dealloc(PyObject* object) noexcept {
    auto* const self = reinterpret_cast<EmbeddingsObject*>(object);
    self->rows.~Rows();
    deallocate(self);
}

Py_ssize_t length(PyObject* self) noexcept { return rows_of(self).shape[0]; }

// Python has added the length to a negative index already.
PyObject* item(PyObject* self, Py_ssize_t index) noexcept {
    const Rows& rows = rows_of(self);
    if (index < 0 || index >= rows.shape[0]) {
        PyErr_SetString(PyExc_IndexError, "embedding index out of range");
        return nullptr;
    }
    if (rows.dimensions == 1) { return PyFloat_FromDouble(static_cast<double>(rows.data[index])); }
    return make(Py_TYPE(self), {.buffer = rows.buffer,
                                .data = rows.data + index * rows.shape[1],
                                .dimensions = 1,
                                .shape = {rows.shape[1], 0}});
}

PyObject* to_list(PyObject* self, PyObject* /*none*/) noexcept {
    const bool has_rows = rows_of(self).dimensions == 2;
    const Py_ssize_t size = length(self);
    Ref list(PyList_New(size));
    for (Py_ssize_t index = 0; index < size; ++index) {
        Ref one(list ? item(self, index) : nullptr);
        if (one && has_rows) { one = Ref(to_list(one.get(), nullptr)); }
        if (!one || PyList_SetItem(list.get(), index, one.release()) < 0) { return nullptr; }
    }
    return list.release();
}

PyObject* shape(PyObject* self, void* /*none*/) noexcept {
    const Rows& rows = rows_of(self);
    return rows.dimensions == 2 ? Py_BuildValue("(nn)", rows.shape[0], rows.shape[1])
                                : Py_BuildValue("(n)", rows.shape[0]);
}

PyObject* represent(PyObject* self) noexcept {
    const Ref size(shape(self, nullptr));
    return size ? PyUnicode_FromFormat("<vector_boot.Embeddings of shape %R>", size.get()) : nullptr;
}

int get_buffer(PyObject* self, Py_buffer* view, int flags) noexcept {
    view->obj = nullptr;
    if ((flags & PyBUF_WRITABLE) == PyBUF_WRITABLE) {
        PyErr_SetString(PyExc_BufferError, "embeddings are read-only; copy them to change them");
        return -1;
    }
    Rows& rows = reinterpret_cast<EmbeddingsObject*>(self)->rows;
    static char format[] = "f";
    view->buf = const_cast<float*>(rows.data);
    view->obj = Py_NewRef(self);
    view->len = rows.count() * static_cast<Py_ssize_t>(sizeof(float));
    view->itemsize = sizeof(float);
    view->readonly = 1;
    view->ndim = rows.dimensions;
    view->format = (flags & PyBUF_FORMAT) == PyBUF_FORMAT ? format : nullptr;
    view->shape = (flags & PyBUF_ND) == PyBUF_ND ? rows.shape : nullptr;
    view->strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? rows.strides : nullptr;
    view->suboffsets = nullptr;
    view->internal = nullptr;
    return 0;
}

// What a consumer holds. Its deleter may run on any thread, without Python.
template <class Managed>
struct Export {
    Managed managed;
    std::shared_ptr<vb_buffer> buffer;
    std::int64_t shape[2];
    std::int64_t strides[2];

    static void end(Managed* managed) { delete static_cast<Export*>(managed->context); }
    static constexpr const char* name =
        sizeof(Managed) == sizeof(dlpack::Managed) ? "dltensor" : "dltensor_versioned";
    // A consumer renames the capsule that it took.
    static void end_capsule(PyObject* capsule) {
        if (PyCapsule_IsValid(capsule, name) != 0) {
            end(static_cast<Managed*>(PyCapsule_GetPointer(capsule, name)));
        }
    }
};

template <class Managed>
PyObject* capsule_of(const Rows& rows) {
    auto made = std::make_unique<Export<Managed>>();
    made->buffer = rows.buffer;
    for (int index = 0; index < rows.dimensions; ++index) {
        made->shape[index] = rows.shape[index];
        made->strides[index] = rows.strides[index] / static_cast<std::int64_t>(sizeof(float));
    }
    Managed& managed = made->managed;
    if constexpr (requires { managed.major; }) {
        managed.major = 1;
        managed.flags = dlpack::flag_read_only;
    }
    managed.context = made.get();
    managed.deleter = Export<Managed>::end;
    managed.tensor = {.data = const_cast<float*>(rows.data),
                      .device_type = dlpack::device_cpu,
                      .device_id = 0,
                      .dimensions = rows.dimensions,
                      .code = dlpack::code_float,
                      .bits = 32,
                      .lanes = 1,
                      .shape = made->shape,
                      .strides = made->strides,
                      .byte_offset = 0};
    PyObject* const capsule = PyCapsule_New(&managed, Export<Managed>::name, Export<Managed>::end_capsule);
    if (capsule != nullptr) { (void)made.release(); }
    return capsule;
}

// As the array API has it: a copy is made only where it is asked for, and there is only the CPU.
PyObject* export_tensor(PyObject* self, PyObject* arguments, PyObject* keywords) noexcept {
    static char stream_name[] = "stream";
    static char version_name[] = "max_version";
    static char device_name[] = "dl_device";
    static char copy_name[] = "copy";
    static char* names[] = {stream_name, version_name, device_name, copy_name, nullptr};
    PyObject* stream = Py_None;
    PyObject* version = Py_None;
    PyObject* device = Py_None;
    PyObject* copy = Py_None;
    if (PyArg_ParseTupleAndKeywords(arguments, keywords, "|$OOOO:__dlpack__", names, &stream, &version,
                                    &device, &copy) == 0) {
        return nullptr;
    }
    int device_type = dlpack::device_cpu;
    int device_number = 0;
    if (device != Py_None && PyArg_ParseTuple(device, "ii", &device_type, &device_number) == 0) {
        return nullptr;
    }
    if (device_type != dlpack::device_cpu || stream != Py_None) {
        PyErr_SetString(PyExc_BufferError, "embeddings are in the memory of the CPU, which has no streams");
        return nullptr;
    }
    const int wants_copy = PyObject_IsTrue(copy);
    if (wants_copy != 0) {
        if (wants_copy > 0) {
            PyErr_SetString(PyExc_BufferError, "embeddings are given away without copying");
        }
        return nullptr;
    }
    int major = 0;
    int minor = 0;
    if (version != Py_None && PyArg_ParseTuple(version, "ii", &major, &minor) == 0) { return nullptr; }
    try {
        return major >= 1 ? capsule_of<dlpack::ManagedVersioned>(rows_of(self))
                          : capsule_of<dlpack::Managed>(rows_of(self));
    } catch (...) { return raise_caught(); }
}

PyObject* export_device(PyObject* /*self*/, PyObject* /*none*/) noexcept {
    return Py_BuildValue("(ii)", dlpack::device_cpu, 0);
}

constexpr const char* document = "Embeddings of several texts, or of one: floats of shape (texts, size), or "
                                 "(size,), each embedding of length 1.\n\n"
                                 "A sequence: embeddings[i] is the one of text i, embeddings[i][j] a float. "
                                 "numpy.asarray(), memoryview() and\n"
                                 "torch.from_dlpack() look at the same memory, read-only, without a copy.";

PyMethodDef* embeddings_methods() {
    static PyMethodDef methods[] = {
        {"tolist", to_list, METH_NOARGS,
         "tolist($self, /)\n--\n\nThe floats as a list, of lists where there are several."},
        {"__dlpack__", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(export_tensor)),
         METH_VARARGS | METH_KEYWORDS,
         "__dlpack__($self, /, *, stream=None, max_version=None, dl_device=None, copy=None)\n--\n\n"
         "For from_dlpack() of array libraries."},
        {"__dlpack_device__", export_device, METH_NOARGS,
         "__dlpack_device__($self, /)\n--\n\nThe CPU: (1, 0)."},
        {nullptr, nullptr, 0, nullptr}};
    return methods;
}

} // namespace

PyObject* make_embeddings(const ModuleState& state, vb_buffer* buffer, std::size_t count, std::size_t size) {
    const std::shared_ptr<vb_buffer> owned(buffer, vb_buffer_free);
    return make(state.embeddings_type,
                {.buffer = owned,
                 .data = static_cast<const float*>(vb_buffer_data(buffer)),
                 .dimensions = 2,
                 .shape = {static_cast<Py_ssize_t>(count), static_cast<Py_ssize_t>(size)}});
}

bool add_embeddings(PyObject* module, ModuleState& state) {
    static PyGetSetDef properties[] = {
        {"shape", shape, nullptr, "(texts, size), or (size,) of one.", nullptr},
        {nullptr, nullptr, nullptr, nullptr, nullptr}};
    PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(embeddings_dealloc)},
                           {Py_tp_doc, const_cast<char*>(document)},
                           {Py_tp_repr, reinterpret_cast<void*>(represent)},
                           {Py_tp_methods, embeddings_methods()},
                           {Py_tp_getset, properties},
                           {Py_tp_iter, reinterpret_cast<void*>(PySeqIter_New)},
                           {Py_sq_length, reinterpret_cast<void*>(length)},
                           {Py_sq_item, reinterpret_cast<void*>(item)},
                           {Py_bf_getbuffer, reinterpret_cast<void*>(get_buffer)},
                           {0, nullptr}};
    PyType_Spec spec{"vector_boot.Embeddings", sizeof(EmbeddingsObject), 0,
                     Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
    return add_type(module, spec, state.embeddings_type);
}

} // namespace vb::python
