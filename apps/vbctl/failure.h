// How vbctl ends: one line on standard error and a status that tells scripts what is wrong.
#pragma once

#include "base/error.h"
#include "control/client.h"

namespace vb::vbctl {

enum ExitStatus : int {
    succeeded = 0,
    failed = 1, // the command line included
    unreachable = 2,
    not_permitted = 3,
    no_such_unit = 4,
    refused = 5,
};

int fail(const base::Error& error);
int fail(const control::ClientError& error);

// The exit status of a call that says nothing when it succeeds.
int finish(const control::ClientResult<void>& result);

} // namespace vb::vbctl
