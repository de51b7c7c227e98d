// The command line of vector_boot itself:
//   vector_boot [--config FILE] [--model FILE] [--listen HOST:PORT] [--log LEVEL] [-- CMD ARGS...]
#pragma once

#include "base/error.h"
#include "config/config.h"

#include <string_view>

namespace vb::config {

struct Arguments {
    std::string_view config; // empty: the default path
    std::string_view model;
    std::string_view listen;
    std::string_view log;
    char** command = nullptr; // CMD ARGS..., NULL-terminated as in argv
    bool help = false;
    bool version = false;
};

// Views into argv. `lenient` is for PID 1 of a machine, where nothing is an error: the kernel hands it words that
// were meant for others ("splash", "single"), which are passed over.
base::Result<Arguments> parse_arguments(char** argv, bool lenient) noexcept;

base::Result<> apply(const Arguments& arguments, Config& config);

inline constexpr char help_text[] =
    "usage: vector_boot [--config FILE] [--model FILE] [--listen HOST:PORT] [--log LEVEL] [-- CMD ARGS...]\n"
    "\n"
    "Brings a GGUF language model to its first token and keeps it serving: as PID 1 of a machine or of a\n"
    "container, or as an ordinary process that adopts its descendants.\n"
    "\n"
    "  --config FILE       read this instead of /etc/vector_boot/config.toml\n"
    "  --model FILE        the GGUF file\n"
    "  --listen HOST:PORT  where to serve HTTP; numeric, default 127.0.0.1:8080\n"
    "  --log LEVEL         error, warning, notice, info (default) or debug\n"
    "  --version           print the version\n"
    "  -- CMD ARGS...      run this instead of the neural runtime\n"
    "\n"
    "SIGTERM or SIGINT ends a container or process in order. Exit status: that of the runtime or CMD (128+n\n"
    "for a signal), 1 if vector_boot cannot set itself up, 2 if the neural runtime cannot be initialised,\n"
    "126 or 127 if CMD cannot be executed or found.\n";

} // namespace vb::config
