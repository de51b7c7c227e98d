// How much one client may ask of the server.
#pragma once

#include <chrono>
#include <cstddef>

namespace vb::http {

struct Limits {
    std::size_t body = std::size_t{4} << 20;           // bytes of a request's body; more: 413
    std::size_t headers = std::size_t{32} << 10;       // bytes of a request's header lines; more: 431
    std::size_t target = std::size_t{8} << 10;         // bytes of a request's target; more: 414
    std::size_t pending_output = std::size_t{1} << 20; // bytes a client may leave unread before it is cut off
    std::size_t queue = 256;                           // requests that wait for the engine; more: 429
    std::chrono::milliseconds queue_timeout{60'000}; // how long one may wait before it is begun; longer: 503
    std::chrono::milliseconds request_timeout{0};    // for a whole request; 0: any time
    std::size_t connections = 16384;                 // more clients wait in the backlog

    std::chrono::seconds idle{60};      // between two requests, and for the next bytes of a reply to be taken
    std::chrono::seconds handshake{10}; // for TLS
    std::chrono::seconds head_time{10}; // from a request's first byte to the end of its headers; longer: 408
    std::chrono::seconds body_time{
        30}; // for a body, and a second more for each body_rate of its bytes; longer: 408
    std::size_t body_rate = std::size_t{4} << 10;
    std::chrono::seconds linger{2}; // for a client to take an error before the connection is torn down
};

} // namespace vb::http
