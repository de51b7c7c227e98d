// The command line of vector_boot-runtime.
#pragma once

#include "base/log.h"
#include "config/rule.h"
#include "engine/engine.h"
#include "http/limits.h"
#include "interpreter/program.h"

#include <chrono>
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace vb::runtime {

struct Options {
    engine::Options engine;
    std::string listen = "127.0.0.1:8080"; // where to bind if no socket was passed
    std::string certificate, private_key;  // PEM files; empty: plain HTTP
    std::string keys;                      // file of API keys; empty: nobody needs one
    std::vector<std::string> origins;      // of web pages that may use the server
    bool access_log = false;
    base::Level log_level = base::Level::info;
    http::Limits limits{};
    // From the signal to the end. Most of it is for the answers in flight, see runtime.cpp.
    std::chrono::milliseconds drain{5000};
    bool confine = false;
    std::vector<std::string> readable; // when confined
    // Instead of serving: the user's program, which may have it done beside itself.
    std::optional<interpreter::Program> program;
    std::string directory;                                   // where the program runs; empty: where it is
    bool says_ready = false;                                 // READY waits for the program's word
    std::map<std::string, std::string, std::less<>> devices; // name -> specification
    std::vector<config::Rule> rules;
};

// What to do instead of running: print a text, and exit.
struct Early {
    int exit_code;
    std::string text; // for stdout if the exit code is 0, else for stderr
};

std::expected<Options, Early> parse_options(int count, const char* const* words);

} // namespace vb::runtime
