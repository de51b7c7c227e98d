// Registers or memory of a device, mapped into the process: a BAR, a map of UIO, a file that stands for one.
// Every access is checked for bounds and alignment and happens in its whole width at once. A device that is gone is an
// error of that call. What a device says is data: all ones, as a PCI device that is gone answers, are not interpreted.
// It must never hand out its address to be read through: there would be no guard. Any thread may use it; of two
// accesses at the same time the device decides.
#pragma once

#include "base/error.h"
#include "hardware/access.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace vb::hardware {

using base::Result;

// Of one access.
enum class Width : unsigned char { bits8 = 1, bits16 = 2, bits32 = 4, bits64 = 8 };

enum class Access : unsigned char { read_only, read_write };

struct Extent {
    std::uint64_t offset = 0; // in the file, a multiple of 8
    std::size_t size = 0;
};

class Region {
  public:
    Region() noexcept = default; // of no size
    // `fd` may be closed afterwards. `name` is what errors call it.
    static Result<Region> map(int fd, Extent extent, Access access, std::string_view name) noexcept;
    // Memory of our own that is shared with nobody yet, zeroed: what a device is to read and write by DMA.
    static Result<Region> allocate(std::size_t size, std::string_view name) noexcept;

    Region(Region&& other) noexcept
        : start_(std::exchange(other.start_, nullptr)), size_(std::exchange(other.size_, 0)),
          displacement_(other.displacement_), access_(other.access_), name_(other.name_) {}
    Region& operator=(Region&& other) noexcept {
        std::swap(start_, other.start_);
        std::swap(size_, other.size_);
        std::swap(displacement_, other.displacement_);
        std::swap(access_, other.access_);
        std::swap(name_, other.name_);
        return *this;
    }
    Region(const Region&) = delete;
    Region& operator=(const Region&) = delete;
    ~Region();

    std::size_t size() const noexcept { return size_; }
    Access access() const noexcept { return access_; }
    std::string_view name() const noexcept { return name_; }

    template <Word Value>
    Result<Value> read(std::size_t offset) const noexcept {
        if (!is_valid(offset, sizeof(Value))) { return refuse("read", offset, sizeof(Value)); }
        const Loaded loaded = load<Value>(start_ + offset);
        if (loaded.fault != 0) { return vanished("read", offset, loaded.fault); }
        return static_cast<Value>(loaded.value);
    }
    template <Word Value>
    Result<> write(std::size_t offset, Value value) noexcept {
        if (!is_valid(offset, sizeof(Value)) || access_ == Access::read_only) {
            return refuse("write", offset, sizeof(Value));
        }
        if (const auto fault = store<Value>(start_ + offset, value)) {
            return vanished("write", offset, fault);
        }
        return {};
    }
    // Where the width is known at run time only. Of `value` the lowest bits are written.
    Result<std::uint64_t> read(Width width, std::size_t offset) const noexcept;
    Result<> write(Width width, std::size_t offset, std::uint64_t value) noexcept;

    // From `offset` upwards, in accesses of `width` only; `offset` and the size are multiples of it. After an error the
    // accesses before the one that it names have happened.
    Result<> read_block(Width width, std::size_t offset, std::span<std::byte> to) const noexcept;
    Result<> write_block(Width width, std::size_t offset, std::span<const std::byte> from) noexcept;

    // For the kernel, which is to map it for a device.
    std::uintptr_t address() const noexcept { return reinterpret_cast<std::uintptr_t>(start_); }

  private:
    Region(std::byte* start, std::size_t size, std::size_t displacement, Access access,
           std::string_view name) noexcept
        : start_(start), size_(size), displacement_(displacement), access_(access), name_(name) {}

    bool is_valid(std::size_t offset, std::size_t width) const noexcept {
        return offset < size_ && size_ - offset >= width && offset % width == 0;
    }
    bool is_valid_block(std::size_t offset, std::size_t count, std::size_t width) const noexcept {
        return offset <= size_ && size_ - offset >= count && offset % width == 0 && count % width == 0;
    }
    [[gnu::cold]] std::unexpected<base::Error> refuse(const char* operation, std::size_t offset,
                                                      std::size_t width) const noexcept;
    [[gnu::cold]] std::unexpected<base::Error> vanished(const char* operation, std::size_t offset,
                                                        std::uint64_t fault) const noexcept;
    template <Word Value>
    Result<> read_words(std::size_t offset, std::span<std::byte> to) const noexcept;
    template <Word Value>
    Result<> write_words(std::size_t offset, std::span<const std::byte> from) noexcept;

    std::byte* start_ = nullptr;
    std::size_t size_ = 0;
    std::size_t displacement_ = 0; // from the page that the mapping begins with
    Access access_ = Access::read_only;
    base::Text<127> name_;
};

} // namespace vb::hardware
