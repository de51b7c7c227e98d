// A wait status in words.
#pragma once

#include "base/text.h"

namespace vb::init {

// "ended with status 1", "was killed by SIGSEGV (core dumped)".
base::Text<63> describe_end(int wait_status) noexcept;

} // namespace vb::init
