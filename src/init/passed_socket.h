// The socket that whoever started vector_boot has bound for it, by the protocol of sd_listen_fds(3). Then there is
// no moment at all in which a client is refused.
#pragma once

#include <optional>
#include <sys/types.h>

namespace vb::init {

// The descriptor of the socket that LISTEN_FDNAMES calls "http", or else of the first one; nothing where
// LISTEN_PID is not `own_process_id`.
std::optional<int> find_passed_socket(char* const* environment, pid_t own_process_id) noexcept;

} // namespace vb::init
