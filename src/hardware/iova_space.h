// The addresses that devices behind an IOMMU may be given for our memory: which are free, and the lowest that fits.
// Only numbers: it maps nothing. Address 0 is never given, since many devices take it for none.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace vb::hardware {

// Both ends are in it.
struct IovaRange {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
};

class IovaSpace {
  public:
    // What the IOMMU maps, without what it keeps for itself; `granule` is a power of two.
    IovaSpace(std::vector<IovaRange> usable, std::uint64_t granule);

    std::uint64_t granule() const noexcept { return granule_; }
    // `size` is a multiple of the granule; every address in it is at most `mask`.
    std::optional<std::uint64_t> allocate(std::uint64_t size, std::uint64_t mask);
    // Of what allocate() gave, with its size.
    void release(std::uint64_t start, std::uint64_t size);

  private:
    std::vector<IovaRange> free_; // in order, and never two that touch
    std::uint64_t granule_;
};

} // namespace vb::hardware
