// Something that has happened.
#pragma once

#include "base/error.h"
#include "rules/number.h"

namespace vb::rules {

struct Event {
    Number value;
    Number before;           // the value of the last time
    std::uint64_t count = 1; // how often, since the last one was taken
    std::uint32_t code = 0;  // of an input
};

} // namespace vb::rules
