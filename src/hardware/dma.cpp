#include "hardware/dma.h"

#include <bit>
#include <cstddef>
#include <cstring>
#include <linux/vfio.h>
#include <unistd.h>
#include <vector>

namespace vb::hardware {

namespace {

// Where the IOMMU does not say what it can map: what the smallest of them do.
constexpr IovaRange usual_range{.first = 0, .last = (std::uint64_t{1} << 39) - 1};

// VFIO_IOMMU_GET_INFO with everything that is behind its structure.
Result<std::vector<std::byte>> information_of(int container, Ioctl& ioctl) {
    vfio_iommu_type1_info size{};
    size.argsz = sizeof size;
    if (ioctl.call(container, VFIO_IOMMU_GET_INFO, &size) != 0) {
        return base::system_error("ask the IOMMU", "VFIO_IOMMU_GET_INFO");
    }
    std::vector<std::byte> bytes(std::max<std::size_t>(size.argsz, sizeof size));
    size.argsz = static_cast<std::uint32_t>(bytes.size());
    std::memcpy(bytes.data(), &size, sizeof size);
    if (ioctl.call(container, VFIO_IOMMU_GET_INFO, bytes.data()) != 0) {
        return base::system_error("ask the IOMMU", "VFIO_IOMMU_GET_INFO");
    }
    return bytes;
}

template <class Value>
bool copy_from(std::span<const std::byte> bytes, std::size_t offset, Value& value) {
    if (offset > bytes.size() || bytes.size() - offset < sizeof value) { return false; }
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return true;
}

std::vector<IovaRange> ranges_at(std::span<const std::byte> bytes, std::size_t offset) {
    using Capability = vfio_iommu_type1_info_cap_iova_range; // with the ranges behind it
    std::vector<IovaRange> ranges;
    std::uint32_t count = 0;
    if (!copy_from(bytes, offset + offsetof(Capability, nr_iovas), count)) { return ranges; }
    for (std::uint32_t index = 0; index < count; ++index) {
        vfio_iova_range range{};
        if (!copy_from(bytes, offset + sizeof(Capability) + index * sizeof range, range)) { break; }
        ranges.push_back({.first = range.start, .last = range.end});
    }
    return ranges;
}

std::vector<IovaRange> usable_ranges(std::span<const std::byte> bytes,
                                     const vfio_iommu_type1_info& information) {
    std::size_t offset = (information.flags & VFIO_IOMMU_INFO_CAPS) != 0 ? information.cap_offset : 0;
    while (offset != 0) {
        vfio_info_cap_header header{};
        if (!copy_from(bytes, offset, header)) { break; }
        if (header.id == VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE) { return ranges_at(bytes, offset); }
        if (header.next <= offset) { break; } // a chain goes forward
        offset = header.next;
    }
    return {usual_range};
}

} // namespace

Result<std::shared_ptr<DmaSpace>> DmaSpace::open(base::UniqueFd container, Ioctl& ioctl) {
    const auto bytes = information_of(container.get(), ioctl);
    if (!bytes) { return std::unexpected(bytes.error()); }
    vfio_iommu_type1_info information{};
    std::memcpy(&information, bytes->data(), sizeof information);
    std::uint64_t granule = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    if ((information.flags & VFIO_IOMMU_INFO_PGSIZES) != 0 && information.iova_pgsizes != 0) {
        granule = std::max(granule, std::uint64_t{1} << std::countr_zero(information.iova_pgsizes));
    }
    return std::shared_ptr<DmaSpace>(
        new DmaSpace(std::move(container), IovaSpace(usable_ranges(*bytes, information), granule), ioctl));
}

Result<DmaBuffer> DmaSpace::allocate(std::size_t size, std::uint64_t mask) {
    const std::scoped_lock lock(mutex_);
    const std::uint64_t granule = addresses_.granule();
    if (size == 0 || size > std::numeric_limits<std::size_t>::max() / 2) {
        return base::failure("allocate for DMA", std::to_string(size) + " bytes",
                             "that is no size of a buffer");
    }
    const std::size_t whole = (size + granule - 1) / granule * granule;
    auto memory = Region::allocate(whole, "DMA buffer");
    if (!memory) { return std::unexpected(memory.error()); }
    const auto address = addresses_.allocate(whole, mask);
    if (!address) {
        base::Text<63> words("no address up to 0x");
        words.append(mask, 16) << " is free";
        return base::failure("allocate for DMA", std::to_string(whole) + " bytes", words);
    }
    vfio_iommu_type1_dma_map map{.argsz = sizeof map,
                                 .flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
                                 .vaddr = memory->address(),
                                 .iova = *address,
                                 .size = whole};
    if (ioctl_.call(container_.get(), VFIO_IOMMU_MAP_DMA, &map) != 0) {
        auto error = base::system_error("map for DMA", std::to_string(whole) + " bytes");
        if (error.error().number == ENOMEM) {
            error.error().detail << "more than may be locked (RLIMIT_MEMLOCK)";
        }
        addresses_.release(*address, whole);
        return error;
    }
    return DmaBuffer(shared_from_this(), std::move(*memory), *address);
}

void DmaSpace::release(std::uint64_t device_address, std::size_t size) noexcept {
    const std::scoped_lock lock(mutex_);
    vfio_iommu_type1_dma_unmap unmap{};
    unmap.argsz = sizeof unmap;
    unmap.iova = device_address;
    unmap.size = size;
    // What cannot be unmapped is not given to anybody else. Of a device that is gone the kernel has unmapped it.
    if (ioctl_.call(container_.get(), VFIO_IOMMU_UNMAP_DMA, &unmap) == 0) {
        addresses_.release(device_address, size);
    }
}

DmaBuffer::~DmaBuffer() {
    if (space_) { space_->release(device_address_, memory_.size()); }
}

std::span<std::byte> DmaBuffer::bytes() noexcept {
    // NOLINTNEXTLINE(performance-no-int-to-ptr): mmap(2) gave it as a pointer
    return {reinterpret_cast<std::byte*>(memory_.address()), memory_.size()};
}

} // namespace vb::hardware
