// ggml's CPU code comes as one shared object for each generation of processors. ggml finds the best by
// opening them all (9 ms); we know from the CPU's features which one it would take, and open only that (2 ms). Those
// of other processors (Vulkan, CUDA, ...) are packages of their own; where one is installed beside, it is opened too.
#pragma once

#include "base/log.h"
#include "engine/error.h"

#include <string>
#include <string_view>
#include <vector>

namespace vb::engine {

// The variant for this CPU, as in "libggml-cpu-VARIANT.so": what ggml's own scoring chooses when all are
// there. Empty where there is no table for the architecture.
std::string_view backend_variant();

// The directory of the backends: GGML_BACKEND_PATH if it names a directory, else what ggml was built with.
std::string backend_directory();

// The files of backends in `directory` that are not the CPU's, sorted; not the one that sends the work to other
// machines. One listing of the directory.
std::vector<std::string> other_backends(const std::string& directory);

// Makes a CPU backend known to ggml, and what other backends there are, once in a process; safe on any thread.
// GGML_BACKEND_PATH may also name the one shared object to load.
Result<> load_backend(const base::Log& log);

// Whether weights go to a device other than the CPU; after load_backend().
bool has_other_devices();

} // namespace vb::engine
