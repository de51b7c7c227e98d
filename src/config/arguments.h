// The command line of vector_boot itself:
//   vector_boot [--config FILE] [--model FILE] [--listen HOST:PORT] [--log LEVEL] [TINI'S OPTIONS] [[--] CMD ARGS...]
// An image that has tini as its init may put vector_boot in its place: its options and variables mean the same.
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
    std::string_view parent_death; // -p
    std::vector<int> success;      // -e, several times
    bool signal_group = false;     // -g
    bool report_reaping = false;   // -w
    unsigned verbosity = 0;        // -v, several times
    char** command = nullptr;      // CMD ARGS..., NULL-terminated as in argv
    bool help = false;
    bool version = false;
    bool license = false; // -l
};

// Views into argv. `lenient` is for PID 1 of a machine, where nothing is an error: the kernel hands it words that
// were meant for others ("splash", "single"), which are passed over, and a command comes after "--" only. Not
// reentrant: getopt_long(3) keeps its place in static variables.
base::Result<Arguments> parse_arguments(char** argv, bool lenient) noexcept;

base::Result<> apply(const Arguments& arguments, Config& config);

// TINI_KILL_PROCESS_GROUP and TINI_VERBOSITY of a NULL-terminated environment. TINI_SUBREAPER, like -s, asks for
// what vector_boot does by itself.
base::Result<> apply_tini_variables(char* const* environment, Config& config) noexcept;

inline constexpr char help_text[] =
    "usage: vector_boot [OPTIONS] [[--] CMD ARGS...]\n"
    "\n"
    "Brings a GGUF language model to its first token and keeps it serving: as PID 1 of a machine or of a\n"
    "container, or as an ordinary process that adopts its descendants. With CMD it is the init of that\n"
    "command, and takes tini's options and variables.\n"
    "\n"
    "  --config FILE       read this instead of /etc/vector_boot/config.toml\n"
    "  --model FILE        the GGUF file\n"
    "  --listen HOST:PORT  where to serve HTTP; numeric, default 127.0.0.1:8080\n"
    "  --log LEVEL         error, warning, notice, info (default) or debug\n"
    "  -g                  forward signals to CMD's process group (TINI_KILL_PROCESS_GROUP)\n"
    "  -e STATUS           exit with 0 where CMD's exit status is this; may be repeated\n"
    "  -p SIGNAL           get SIGNAL when the parent of vector_boot dies\n"
    "  -w                  warn of every process that is reaped, other than CMD\n"
    "  -v                  say more; may be repeated (TINI_VERBOSITY)\n"
    "  -s                  adopt orphans; always on (TINI_SUBREAPER)\n"
    "  -l, -h, --version   print the license, this text, the version\n"
    "  CMD ARGS...         run this instead of the neural runtime\n"
    "\n"
    "SIGTERM or SIGINT ends a container or process in order. Exit status: that of the runtime or CMD (128+n\n"
    "for a signal), 1 if vector_boot cannot set itself up, 2 if the neural runtime cannot be initialised,\n"
    "126 or 127 if CMD cannot be executed or found.\n";

inline constexpr char license_text[] =
    "vector_boot is licensed under the Apache License, Version 2.0: www.apache.org/licenses/LICENSE-2.0\n";

} // namespace vb::config
