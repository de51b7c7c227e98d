// The machine that this process is the runtime of, as vector_boot_machine.h and a model without a path show it to a
// program in the same process. The runtime implements it; a library on its own has none.
#pragma once

#include "base/error.h"
#include "engine/engine.h"

#include <chrono>
#include <string>
#include <string_view>

namespace vb::capi {

// Any thread.
class Host {
  public:
    // The engine that booted, which stays until the process ends.
    virtual engine::Engine& engine() noexcept = 0;
    // Until it is loaded or has failed, or the time is over; false: the latter.
    virtual bool wait_until_settled(std::chrono::milliseconds patience) = 0;

    virtual void ready() = 0;
    virtual void set_status(std::string_view text) = 0;
    // The next call comes within `patience`, or the process is to be killed; 0: no call comes any more.
    virtual void alive(std::chrono::milliseconds patience) = 0;
    // The specification of a device that is configured by this name; empty: none is.
    virtual std::string device(std::string_view name) const = 0;
    // As GET /timeline has it.
    virtual std::string timeline() const = 0;
    // Serves the HTTP API on the sockets that were passed to the process; once.
    virtual base::Result<> serve() = 0;

  protected:
    ~Host() = default;
};

// Null: there is none. It is set before the first call of the library, and not changed while there may be another.
Host* host() noexcept;
void set_host(Host* host) noexcept;

} // namespace vb::capi
