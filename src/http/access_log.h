// One line of JSON for each request, into the log of the process. It says who asked for what and how that went, and never
// what a prompt or a key was.
#pragma once

#include "base/log.h"
#include "http/exchange.h"

#include <string>

namespace vb::http {

// What a line says of an exchange that has ended `now`, in Unix time.
std::string access_line(const Exchange& exchange, base::Nanoseconds monotonic_now,
                        std::chrono::system_clock::time_point now);

inline void log_access(const base::Log& log, const Exchange& exchange) {
    log.info(access_line(exchange, base::monotonic_now(), std::chrono::system_clock::now()));
}

} // namespace vb::http
