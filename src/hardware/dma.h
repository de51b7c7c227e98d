// Memory that a device reads and writes by itself, at addresses that the IOMMU gives it and checks: nothing else of the
// process is within its reach. A buffer is mapped from its creation until it is destroyed, when the device must have
// finished with it; from then on its accesses are faults of the IOMMU, not of ours.
#pragma once

#include "base/unique_fd.h"
#include "hardware/ioctl.h"
#include "hardware/iova_space.h"
#include "hardware/region.h"

#include <memory>
#include <mutex>
#include <string>

namespace vb::hardware {

class DmaSpace;

class DmaBuffer {
  public:
    DmaBuffer(DmaBuffer&& other) noexcept = default;
    DmaBuffer& operator=(DmaBuffer&& other) noexcept {
        std::swap(space_, other.space_);
        std::swap(memory_, other.memory_);
        std::swap(device_address_, other.device_address_);
        return *this;
    }
    DmaBuffer(const DmaBuffer&) = delete;
    DmaBuffer& operator=(const DmaBuffer&) = delete;
    ~DmaBuffer();

    // What the device is told.
    std::uint64_t device_address() const noexcept { return device_address_; }
    // Whole pages, at least as many as were asked for.
    std::size_t size() const noexcept { return memory_.size(); }
    Region& region() noexcept { return memory_; }
    const Region& region() const noexcept { return memory_; }
    // Our own memory, which cannot vanish: it may be read without the region's guard. Barriers are the caller's.
    std::span<std::byte> bytes() noexcept;

  private:
    friend class DmaSpace;
    DmaBuffer(std::shared_ptr<DmaSpace> space, Region memory, std::uint64_t device_address) noexcept
        : space_(std::move(space)), memory_(std::move(memory)), device_address_(device_address) {}

    std::shared_ptr<DmaSpace> space_;
    Region memory_;
    std::uint64_t device_address_ = 0;
};

// A container of VFIO that has its IOMMU. Any thread may use it.
class DmaSpace : public std::enable_shared_from_this<DmaSpace> {
  public:
    // Asks the IOMMU what it can map.
    static Result<std::shared_ptr<DmaSpace>> open(base::UniqueFd container, Ioctl& ioctl);

    // `mask` has the bits that the device's addresses have.
    Result<DmaBuffer> allocate(std::size_t size, std::uint64_t mask);

  private:
    friend class DmaBuffer;
    DmaSpace(base::UniqueFd container, IovaSpace addresses, Ioctl& ioctl)
        : container_(std::move(container)), addresses_(std::move(addresses)), ioctl_(ioctl) {}
    void release(std::uint64_t device_address, std::size_t size) noexcept;

    base::UniqueFd container_;
    std::mutex mutex_;
    IovaSpace addresses_;
    Ioctl& ioctl_;
};

} // namespace vb::hardware
