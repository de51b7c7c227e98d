#include "python/values.h"

#include <limits>

namespace vb::python {

std::optional<std::string_view> text_of(PyObject* text) {
    Py_ssize_t size = 0;
    const char* const data = PyUnicode_AsUTF8AndSize(text, &size);
    if (data == nullptr) { return std::nullopt; }
    return std::string_view(data, static_cast<std::size_t>(size));
}

std::optional<std::string> c_text_of(PyObject* value, const char* what) {
    if (!PyUnicode_Check(value)) {
        refuse_type(value, what, "a str");
        return std::nullopt;
    }
    const auto text = text_of(value);
    if (!text) { return std::nullopt; }
    if (text->contains('\0')) {
        PyErr_Format(PyExc_ValueError, "%s contains a NUL character", what);
        return std::nullopt;
    }
    return std::string(*text);
}

std::optional<std::uint32_t> unsigned_of(PyObject* value, const char* what) {
    constexpr std::uint32_t most = std::numeric_limits<std::uint32_t>::max();
    const Ref whole(PyNumber_Index(value));
    if (!whole) {
        if (PyErr_ExceptionMatches(PyExc_TypeError) != 0) { refuse_type(value, what, "an int"); }
        return std::nullopt;
    }
    int overflow = 0;
    const long long number = PyLong_AsLongLongAndOverflow(whole.get(), &overflow);
    if (overflow != 0 || number < 0 || number > most) {
        PyErr_Format(PyExc_ValueError, "%s is %S, expected 0 to %u", what, whole.get(), most);
        return std::nullopt;
    }
    return static_cast<std::uint32_t>(number);
}

std::optional<double> number_of(PyObject* value, const char* what) {
    const double number = PyFloat_AsDouble(value);
    if (number == -1.0 && PyErr_Occurred() != nullptr) {
        if (PyErr_ExceptionMatches(PyExc_TypeError) != 0) { refuse_type(value, what, "a number"); }
        return std::nullopt;
    }
    return number;
}

std::optional<std::vector<std::int32_t>> tokens_of(PyObject* value, const char* what) {
    const Ref list(PySequence_List(value));
    if (!list) {
        if (PyErr_ExceptionMatches(PyExc_TypeError) != 0) { refuse_type(value, what, "token numbers"); }
        return std::nullopt;
    }
    std::vector<std::int32_t> tokens;
    const Py_ssize_t size = PyList_Size(list.get());
    tokens.reserve(static_cast<std::size_t>(size));
    for (Py_ssize_t index = 0; index < size; ++index) {
        PyObject* const one = PyList_GetItem(list.get(), index);
        const auto token = unsigned_of(one, what);
        if (!token) { return std::nullopt; }
        if (*token > static_cast<std::uint32_t>(std::numeric_limits<std::int32_t>::max())) {
            PyErr_Format(PyExc_ValueError, "%s: there is no token %S", what, one);
            return std::nullopt;
        }
        tokens.push_back(static_cast<std::int32_t>(*token));
    }
    return tokens;
}

std::optional<std::string> path_of(PyObject* value) {
    PyObject* bytes = nullptr;
    if (PyUnicode_FSConverter(value, &bytes) == 0) { return std::nullopt; }
    const Ref owner(bytes);
    char* data = nullptr;
    Py_ssize_t size = 0;
    if (PyBytes_AsStringAndSize(bytes, &data, &size) < 0) { return std::nullopt; }
    return std::string(data, static_cast<std::size_t>(size));
}

Ref type_name(PyObject* value) {
    return Ref(PyObject_GetAttrString(reinterpret_cast<PyObject*>(Py_TYPE(value)), "__name__"));
}

bool refuse_type(PyObject* value, const char* what, const char* expected) {
    PyErr_Clear();
    const Ref type = type_name(value);
    if (type) { PyErr_Format(PyExc_TypeError, "%s must be %s, not %U", what, expected, type.get()); }
    return false;
}

} // namespace vb::python
