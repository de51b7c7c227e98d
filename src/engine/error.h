// Why the engine refused or failed, in one line that names the file or the request.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace vb::engine {

enum class Fault : unsigned char {
    model_missing,     // no such file, or not readable
    model_malformed,   // not a GGUF file that can be trusted; the message names offset and field
    model_unsupported, // a valid file that libllama will not run
    resources,         // memory, threads, no CPU backend
    request,           // the caller asked for something impossible, such as an empty prompt
    too_long,          // the prompt does not fit into the context
    state_file,        // a saved conversation is missing, damaged, or made for another model or library
    cancelled,         // the engine ended first
    internal,          // libllama reported a failure while decoding
};

struct Error {
    Fault fault = Fault::internal;
    std::string message;
};

template <class Value = void>
using Result = std::expected<Value, Error>;

// A fault of the request.
inline std::unexpected<Error> refuse(std::string message) {
    return std::unexpected(Error{Fault::request, std::move(message)});
}

} // namespace vb::engine
