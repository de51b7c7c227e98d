// What stands between the sockets and the API: who may ask, and how.
#pragma once

#include "http/api_keys.h"
#include "http/tls.h"
#include "runtime/options.h"

#include <memory>
#include <vector>

namespace vb::runtime {

struct Access {
    std::unique_ptr<http::Tls> tls;
    std::unique_ptr<http::ApiKeys> keys;
    bool local = false; // only this machine's own programs can connect
};

// Reads the files that the options name. `loop` and `log` outlive it.
base::Result<Access> open_access(const Options& options, http::EventLoop& loop, const base::Log& log,
                                 const std::vector<base::UniqueFd>& sockets);

} // namespace vb::runtime
