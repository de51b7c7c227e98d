// Whether a model will fit into the memory, from its header and before it is loaded: what does not fit is killed
// somewhere on the way, or makes the machine crawl. An estimate on the low side: what would just fit is not refused.
#pragma once

#include "engine/engine.h"
#include "engine/error.h"
#include "engine/gguf_check.h"

#include <cstdint>
#include <string>

namespace vb::engine {

struct MemoryNeed {
    std::uint64_t weights = 0; // bytes
    std::uint64_t cells = 0;   // the keys and values of one request's context
    std::uint64_t computing = 0;
    std::uint64_t tokens = 0; // of that context

    std::uint64_t all() const { return weights + cells + computing; }
};
MemoryNeed memory_need(const GgufSummary& summary, const Options& options);

// In all of it what can be reclaimed counts as available.
struct AvailableMemory {
    std::uint64_t machine;   // bytes
    std::uint64_t group;     // of the control group that has the least
    std::string group_limit; // what limits that one
};
AvailableMemory available_memory(const std::string& root);

// How much of a file lies in the page cache. Other groups may have paid for it.
std::uint64_t cached_bytes(const std::string& path);

Result<> check_memory(const std::string& path, const MemoryNeed& need, const AvailableMemory& available,
                      std::uint64_t cached);

} // namespace vb::engine
