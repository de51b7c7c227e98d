// A Python program in this process: what a module, which has CPython with it, is told, so that only those who want Python
// load it. Must never be called twice, nor while another thread uses Python.
#pragma once

#include "base/error.h"
#include "trace/timeline.h"

#include <string>
#include <vector>

namespace vb::interpreter {

struct Program {
    std::string app;                    // a file, directory or zip; or MODULE:FUNCTION
    std::vector<std::string> arguments; // sys.argv after the app
    std::string virtual_environment;    // whose packages it finds; empty: none
    bool site = false;                  // import site, as the interpreter does by itself
};

// Runs it on the calling thread, which is Python's main thread from then on, to the end of its atexit functions. SIGTERM
// and SIGINT, blocked until then, are let through once Python can take them: SIGTERM raises SystemExit(0), unless the
// program handles it. Returns the exit status that the interpreter itself would end with. Fails where there is no Python,
// or it cannot be initialised; what is wrong with the program Python says on stderr.
base::Result<int> run(const Program& program, trace::Timeline& timeline);

// Of the module.
using RunProgram = int (*)(const Program& program, trace::Timeline& timeline, base::Error& error);
inline constexpr char run_program_name[] = "vector_boot_run_program";

} // namespace vb::interpreter
