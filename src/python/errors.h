// Statuses of the library as Python exceptions.
#pragma once

#include "python/module.h"

#include <string>
#include <string_view>

namespace vb::python {

// Sets the exception of `status` with a text of the library, and the file it is about. Returns NULL, for callers that
// return it.
PyObject* raise(const ModuleState& state, std::int32_t status, std::string_view text,
                const char* path = nullptr);
// With what the library said last on this thread.
PyObject* raise_last(const ModuleState& state, std::int32_t status);
// Of an object that was closed.
PyObject* raise_closed(const ModuleState& state, const char* what);
// What C++ threw, where an exception must not go on into C.
PyObject* raise_caught() noexcept;

} // namespace vb::python
