// What the runtime gives up before it touches the model, and what it keeps: the options in the words of the sandbox.
#pragma once

#include "runtime/notify.h"
#include "runtime/options.h"
#include "sandbox/sandbox.h"

namespace vb::runtime {

// Confines this process, and tells the supervisor how far that went. An error, and nothing confined, where what it
// is to read is denied to its user.
base::Result<sandbox::Confinement> confine(const Options& options, const Notifier& notifier,
                                           const base::Log& log);

} // namespace vb::runtime
