// What the module has besides its types: vector_boot_machine.h.
#pragma once

#include "python/interpreter.h"

namespace vb::python {

// Ends with an empty one. Static.
PyMethodDef* machine_functions() noexcept;

} // namespace vb::python
