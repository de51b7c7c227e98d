// Python objects as C++ values. What they are not is an exception that names the argument.
#pragma once

#include "python/interpreter.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vb::python {

// The UTF-8 of a str, valid as long as it. Nothing, and an exception, where it holds half a surrogate pair.
std::optional<std::string_view> text_of(PyObject* text);

// A str without NUL characters, for C.
std::optional<std::string> c_text_of(PyObject* value, const char* what);

std::optional<std::uint32_t> unsigned_of(PyObject* value, const char* what);
std::optional<double> number_of(PyObject* value, const char* what);

// A sequence or another iterable of int.
std::optional<std::vector<std::int32_t>> tokens_of(PyObject* value, const char* what);

// str, bytes or os.PathLike, as the file system has it.
std::optional<std::string> path_of(PyObject* value);

// The name of the value's type, for messages.
Ref type_name(PyObject* value);

// "WHAT must be EXPECTED, not TYPE". Returns false.
bool refuse_type(PyObject* value, const char* what, const char* expected);

} // namespace vb::python
