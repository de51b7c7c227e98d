// How much one client may ask of the server.
#pragma once

#include <chrono>
#include <cstddef>

namespace vb::http {

struct Limits {
    std::size_t body = std::size_t{4} << 20;           // bytes of a request's body; more: 413
    std::size_t headers = std::size_t{32} << 10;       // bytes of a request's header lines
    std::size_t pending_output = std::size_t{1} << 20; // bytes a client may leave unread before it is cut off
    std::size_t completions = 256;                     // chat completions waiting or running; more: 503
    std::chrono::seconds idle{60}; // a connection on which nothing is read or written for so long is closed
};

} // namespace vb::http
