#include "python/json_text.h"

#include "python/values.h"

#include <cmath>
#include <string_view>

namespace vb::python {
namespace {

class Writer {
  public:
    explicit Writer(const char* what) noexcept : what_(what) {}

    bool add(PyObject* value) {
        if (PyUnicode_Check(value)) { return add_string(value); }
        if (value == Py_None) { return add_text("null"); }
        if (PyBool_Check(value)) { return add_text(value == Py_True ? "true" : "false"); }
        if (PyLong_Check(value)) { return add_written(Ref(PyNumber_ToBase(value, 10))); }
        if (PyFloat_Check(value)) { return add_float(value); }
        const bool is_list = PyList_Check(value) || PyTuple_Check(value);
        if (!is_list && !PyDict_Check(value)) { return refuse_type(value); }
        if (Py_EnterRecursiveCall(" while JSON is written") != 0) { return false; }
        const bool done = is_list ? add_list(value) : add_dict(value);
        Py_LeaveRecursiveCall();
        return done;
    }

    std::string take() noexcept { return std::move(text_); }

  private:
    bool add_text(std::string_view text) {
        text_ += text;
        return true;
    }

    bool add_written(const Ref& written) {
        const auto text = written ? text_of(written.get()) : std::nullopt;
        return text && add_text(*text);
    }

    bool add_float(PyObject* value) {
        if (!std::isfinite(PyFloat_AsDouble(value))) {
            PyErr_Format(PyExc_ValueError, "%s: %R is not JSON", what_, value);
            return false;
        }
        return add_written(Ref(PyObject_Repr(value)));
    }

    bool add_string(PyObject* value) {
        const auto text = text_of(value);
        if (!text) { return false; }
        text_ += '"';
        for (const char character : *text) {
            add_character(character);
        }
        text_ += '"';
        return true;
    }

    void add_character(char character) {
        constexpr std::string_view digits = "0123456789abcdef";
        const auto code = static_cast<unsigned char>(character);
        if (character == '"' || character == '\\') {
            text_ += '\\';
            text_ += character;
        } else if (code < 0x20) {
            text_ += "\\u00";
            text_ += digits[code / 16];
            text_ += digits[code % 16];
        } else {
            text_ += character;
        }
    }

    bool add_list(PyObject* value) {
        const Py_ssize_t size = PySequence_Size(value);
        text_ += '[';
        for (Py_ssize_t index = 0; index < size; ++index) {
            if (index > 0) { text_ += ','; }
            const Ref one(PySequence_GetItem(value, index));
            if (!one || !add(one.get())) { return false; }
        }
        text_ += ']';
        return true;
    }

    bool add_dict(PyObject* value) {
        Py_ssize_t position = 0;
        PyObject* key = nullptr;
        PyObject* one = nullptr;
        bool is_first = true;
        text_ += '{';
        while (PyDict_Next(value, &position, &key, &one) != 0) {
            if (!is_first) { text_ += ','; }
            is_first = false;
            if (!PyUnicode_Check(key)) {
                PyErr_Format(PyExc_TypeError, "%s: the key %R is not a str", what_, key);
                return false;
            }
            if (!add_string(key)) { return false; }
            text_ += ':';
            if (!add(one)) { return false; }
        }
        text_ += '}';
        return true;
    }

    bool refuse_type(PyObject* value) {
        const Ref type = type_name(value);
        if (type) {
            PyErr_Format(PyExc_TypeError,
                         "%s: %U is not JSON; expected str, int, float, bool, None, list, tuple or dict",
                         what_, type.get());
        }
        return false;
    }

    const char* what_;
    std::string text_;
};

bool refuse_messages(PyObject* given, const char* where) {
    const Ref type = type_name(given);
    if (type) {
        PyErr_Format(PyExc_TypeError, "messages%s must be %s, not %U", where,
                     *where == '\0' ? "a str or a list of dicts" : "dicts", type.get());
    }
    return false;
}

bool check_messages(PyObject* messages) {
    if (!PyList_Check(messages) && !PyTuple_Check(messages)) { return refuse_messages(messages, ""); }
    const Py_ssize_t size = PySequence_Size(messages);
    for (Py_ssize_t index = 0; index < size; ++index) {
        const Ref one(PySequence_GetItem(messages, index));
        if (!one) { return false; }
        if (!PyDict_Check(one.get())) { return refuse_messages(one.get(), " in a list"); }
    }
    return true;
}

} // namespace

std::optional<std::string> json_text(PyObject* value, const char* what) {
    Writer writer(what);
    if (!writer.add(value)) { return std::nullopt; }
    return writer.take();
}

std::optional<std::string> messages_text(PyObject* messages) {
    if (PyUnicode_Check(messages)) {
        const auto content = json_text(messages, "messages");
        if (!content) { return std::nullopt; }
        return R"([{"role":"user","content":)" + *content + "}]";
    }
    if (!check_messages(messages)) { return std::nullopt; }
    return json_text(messages, "messages");
}

} // namespace vb::python
