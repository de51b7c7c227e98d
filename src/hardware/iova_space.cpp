#include "hardware/iova_space.h"

#include <algorithm>
#include <limits>

namespace vb::hardware {

IovaSpace::IovaSpace(std::vector<IovaRange> usable, std::uint64_t granule) : granule_(granule) {
    std::ranges::sort(usable, {}, &IovaRange::first);
    free_.reserve(usable.size());
    for (const IovaRange& range : usable) {
        // Whole granules only, and the first one of all is nobody's.
        const std::uint64_t lowest = std::max(range.first, granule);
        if (lowest > std::numeric_limits<std::uint64_t>::max() - granule) { continue; }
        const std::uint64_t first = (lowest + granule - 1) & ~(granule - 1);
        const std::uint64_t whole =
            range.last - (granule - 1); // the last one that begins in it, or before zero
        if (range.last < granule - 1 || whole < first) { continue; }
        free_.push_back({.first = first, .last = (whole & ~(granule - 1)) + (granule - 1)});
    }
}

std::optional<std::uint64_t> IovaSpace::allocate(std::uint64_t size, std::uint64_t mask) {
    if (size == 0 || size % granule_ != 0) { return std::nullopt; }
    for (auto range = free_.begin(); range != free_.end(); ++range) {
        const std::uint64_t last = std::min(range->last, mask);
        if (last < range->first || last - range->first < size - 1) { continue; }
        const std::uint64_t start = range->first;
        if (range->last - start == size - 1) {
            free_.erase(range);
        } else {
            range->first += size;
        }
        return start;
    }
    return std::nullopt;
}

void IovaSpace::release(std::uint64_t start, std::uint64_t size) {
    const std::uint64_t last = start + (size - 1);
    const auto next = std::ranges::lower_bound(free_, start, {}, &IovaRange::first);
    const bool joins_next = next != free_.end() && next->first == last + 1;
    const bool joins_previous = next != free_.begin() && std::prev(next)->last + 1 == start;
    if (joins_previous && joins_next) {
        std::prev(next)->last = next->last;
        free_.erase(next);
    } else if (joins_previous) {
        std::prev(next)->last = last;
    } else if (joins_next) {
        next->first = start;
    } else {
        free_.insert(next, {.first = start, .last = last});
    }
}

} // namespace vb::hardware
