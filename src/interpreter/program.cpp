#include "interpreter/program.h"

#include <dlfcn.h>

namespace vb::interpreter {

namespace {

constexpr char module_name[] = "vector_boot_python.so"; // found by the RUNPATH of the program

} // namespace

base::Result<int> run(const Program& program, trace::Timeline& timeline) {
    trace::Span loading(timeline, "python: load");
    // Global: the modules of Python's standard library take its symbols from whoever has loaded them.
    void* const module = ::dlopen(module_name, RTLD_NOW | RTLD_GLOBAL);
    if (module == nullptr) { return base::failure("load", module_name, ::dlerror()); }
    const auto run_program = reinterpret_cast<RunProgram>(::dlsym(module, run_program_name));
    if (run_program == nullptr) { return base::failure("use", module_name, ::dlerror()); }
    loading.end();
    base::Error error;
    const int status = run_program(program, timeline, error);
    if (*error.operation != '\0') { return std::unexpected(error); }
    return status;
}

} // namespace vb::interpreter
