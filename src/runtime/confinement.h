// What the runtime gives up before it touches the model, and what it keeps: the options in the words of the sandbox.
#pragma once

#include "runtime/notify.h"
#include "runtime/options.h"
#include "sandbox/sandbox.h"

namespace vb::runtime {

// An error that says what to do about it, where a file that the options name is denied to this process's user.
base::Result<> check_readable(const Options& options);

// Confines this process, and tells the supervisor how far that went. The certificate and its key are read before that,
// and then out of reach; the file of the API keys is read again when it changes.
sandbox::Confinement confine(const Options& options, const Notifier& notifier, const base::Log& log);

} // namespace vb::runtime
