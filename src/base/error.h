// What went wrong, in the words a person needs: the operation, the object it was done to, errno, and what was
// expected instead. A value, never thrown; small enough to copy; never allocates.
#pragma once

#include "base/text.h"

#include <cerrno>
#include <expected>

namespace vb::base {

struct Error {
    const char* operation = ""; // a literal: "bind", "open", "read the configuration"
    Text<255> object;           // a path, an address, a unit
    int number = 0;             // errno, or 0 where the kernel was not asked
    Text<511> detail;           // what was found and what was expected; empty where errno says it all
};

template <class Value = void>
using Result = std::expected<Value, Error>;

// The error of the system call that failed just now: call it before anything else can change errno.
inline std::unexpected<Error> system_error(const char* operation, std::string_view object) noexcept {
    return std::unexpected(Error{.operation = operation, .object = object, .number = errno, .detail = {}});
}
inline std::unexpected<Error> failure(const char* operation, std::string_view object,
                                      std::string_view detail) noexcept {
    return std::unexpected(Error{.operation = operation, .object = object, .number = 0, .detail = detail});
}

// "bind 127.0.0.1:8080: Address already in use (EADDRINUSE)"
Text<1023> describe(const Error& error) noexcept;

} // namespace vb::base
