// Where the listening sockets come from: the supervisor, in the protocol of sd_listen_fds(3), or bind(2).
#pragma once

#include "base/error.h"
#include "base/unique_fd.h"

#include <string_view>
#include <vector>

namespace vb::runtime {

// The environment of sd_listen_fds(3), as it stands there; null where a variable is not set.
struct ListenVariables {
    const char* pid = nullptr;
    const char* fds = nullptr;
    const char* names = nullptr;
};

// The listening sockets that were passed to this process for HTTP: those named "http", or all if none has a
// name. Empty if the variables are not set or speak to another process. Each becomes CLOEXEC.
base::Result<std::vector<base::UniqueFd>> inherited_sockets(const ListenVariables& variables);

// Binds an address as in sys/socket_address.h, and listens.
base::Result<base::UniqueFd> bind_socket(std::string_view address);

} // namespace vb::runtime
