// How much one client may ask of the server.
#pragma once

#include <chrono>
#include <cstddef>

namespace vb::http {

struct Limits {
    std::size_t body = std::size_t{4} << 20;           // bytes of a request's body; more: 413
    std::size_t headers = std::size_t{32} << 10;       // bytes of a request's header lines
    std::size_t pending_output = std::size_t{1} << 20; // bytes a client may leave unread before it is cut off
    std::size_t queue = 256;                           // requests that wait for the engine; more: 429
    std::chrono::milliseconds queue_timeout{60'000}; // how long one may wait before it is begun; longer: 503
    std::chrono::milliseconds request_timeout{0};    // for a whole request; 0: any time
    std::chrono::seconds idle{60}; // a connection on which nothing is read or written for so long is closed
};

} // namespace vb::http
