// Python's str, int, float, bool, None, list, tuple and dict as JSON, for messages and schemas. Python's own json
// module would be most of the time that importing this package takes.
#pragma once

#include "python/interpreter.h"

#include <optional>
#include <string>

namespace vb::python {

// Nothing, and an exception that begins with `what`, where the value is not JSON.
std::optional<std::string> json_text(PyObject* value, const char* what);

// A str as one message of the user, a sequence of dicts as it is.
std::optional<std::string> messages_text(PyObject* messages);

} // namespace vb::python
