// How many threads may compute: what the scheduler lets us use, cut to the CPU time that cgroups grant.
// One thread too many under a quota costs a factor of ten and more, because all wait for the throttled one.
#pragma once

#include <string>

namespace vb::engine {

// floor(min(affinity, cgroup quota)), at least 1.
unsigned usable_threads();

// The same for a given number of CPUs in the affinity mask and a root directory that holds proc/ and sys/.
unsigned usable_threads(unsigned affinity, const std::string& root);

} // namespace vb::engine
