// What a model does for Python, apart from its life. Each as guarded() calls it.
#pragma once

#include "python/objects.h"

namespace vb::python {

PyObject* info(ModelObject& self, PyObject* none);
PyObject* tokenize(ModelObject& self, PyObject* arguments);
PyObject* detokenize(ModelObject& self, PyObject* arguments);
PyObject* render(ModelObject& self, PyObject* messages);
PyObject* embed(ModelObject& self, PyObject* texts);
PyObject* chat(ModelObject& self, PyObject* arguments);
PyObject* complete(ModelObject& self, PyObject* arguments);
PyObject* session(ModelObject& self, PyObject* none);
PyObject* load(ModelObject& self, PyObject* path);

} // namespace vb::python
