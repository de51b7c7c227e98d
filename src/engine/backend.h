// ggml's CPU code comes as one shared object for each generation of processors. ggml finds the best by
// opening them all (9 ms); we know from the CPU's features which one it would take, and open only that (2
// ms).
#pragma once

#include "base/log.h"
#include "engine/error.h"

#include <string>
#include <string_view>

namespace vb::engine {

// The variant for this CPU, as in "libggml-cpu-VARIANT.so": what ggml's own scoring chooses when all are
// there. Empty where there is no table for the architecture.
std::string_view backend_variant();

// The directory of the backends: GGML_BACKEND_PATH if it names a directory, else what ggml was built with.
std::string backend_directory();

// Makes a CPU backend known to ggml, once in a process; safe on any thread.
// GGML_BACKEND_PATH may also name the one shared object to load.
Result<> load_backend(const base::Log& log);

} // namespace vb::engine
