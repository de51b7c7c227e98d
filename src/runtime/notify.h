// Tells the supervisor how the runtime is doing, in the protocol of sd_notify(3).
// Says nothing if nobody listens, and never waits long for who does.
#pragma once

#include "base/error.h"
#include "base/unique_fd.h"

#include <string>
#include <string_view>

namespace vb::runtime {

class Notifier {
  public:
    // `address` is the value of NOTIFY_SOCKET: a path, or '@' and an abstract name. Empty: nobody listens.
    static base::Result<Notifier> connect(std::string_view address);

    // Lines such as "READY=1\nSTATUS=serving", sent as one datagram.
    base::Result<> send(std::string_view lines) const;

  private:
    base::UniqueFd socket_; // connected; empty if nobody listens
};

} // namespace vb::runtime
