#include "hardware/region.h"

#include <bit>
#include <cstring>
#include <limits>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace vb::hardware {

static_assert(std::endian::native == std::endian::little, "blocks are copied from the low bytes of a word");

namespace {

std::size_t page_size() noexcept {
    static const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return size;
}

// What a file that says how large it is does not have. Devices do not say.
Result<> check_extent(int fd, Extent extent, std::string_view name) noexcept {
    base::Text<511> words;
    if (extent.size == 0) { return base::failure("map", name, "it has no size"); }
    if (extent.offset % 8 != 0) {
        words << "offset " << extent.offset << " is not a multiple of 8";
        return base::failure("map", name, words);
    }
    if (extent.size > std::numeric_limits<std::size_t>::max() / 2 ||
        extent.offset > std::uint64_t{std::numeric_limits<off_t>::max()} - extent.size) {
        words << extent.size << " bytes at offset " << extent.offset << " are more than there can be";
        return base::failure("map", name, words);
    }
    struct stat status{};
    if (::fstat(fd, &status) != 0) { return base::system_error("map", name); }
    if (S_ISREG(status.st_mode) && static_cast<std::uint64_t>(status.st_size) < extent.offset + extent.size) {
        words << "it has " << status.st_size << " bytes, too few for " << extent.size << " at offset "
              << extent.offset;
        return base::failure("map", name, words);
    }
    return {};
}

} // namespace

Result<Region> Region::map(int fd, Extent extent, Access access, std::string_view name) noexcept {
    if (const auto checked = check_extent(fd, extent, name); !checked) {
        return std::unexpected(checked.error());
    }
    const auto displacement = static_cast<std::size_t>(extent.offset % page_size());
    const int protection = access == Access::read_write ? PROT_READ | PROT_WRITE : PROT_READ;
    void* const page = ::mmap(nullptr, extent.size + displacement, protection, MAP_SHARED, fd,
                              static_cast<off_t>(extent.offset - displacement));
    if (page == MAP_FAILED) { return base::system_error("map", name); }
    guard_accesses();
    return Region(static_cast<std::byte*>(page) + displacement, extent.size, displacement, access, name);
}

Result<Region> Region::allocate(std::size_t size, std::string_view name) noexcept {
    // Shared, so that no child of a fork makes copies of the pages that the device has.
    void* const page = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) { return base::system_error("allocate", name); }
    guard_accesses();
    return Region(static_cast<std::byte*>(page), size, 0, Access::read_write, name);
}

Region::~Region() {
    if (start_ != nullptr) { ::munmap(start_ - displacement_, size_ + displacement_); }
}

std::unexpected<base::Error> Region::refuse(const char* operation, std::size_t offset,
                                            std::size_t width) const noexcept {
    base::Text<511> words;
    words << width * 8 << " bits at offset 0x";
    words.append(offset, 16);
    if (offset % width != 0) {
        words << " are not aligned: it is no multiple of " << width;
    } else if (!is_valid(offset, width)) {
        words << " are beyond its 0x";
        words.append(size_, 16) << " bytes";
    } else {
        words << " cannot be written: it was opened for reading only";
    }
    return base::failure(operation, name_, words);
}

std::unexpected<base::Error> Region::vanished(const char* operation, std::size_t offset,
                                              std::uint64_t fault) const noexcept {
    base::Error error{.operation = operation, .object = name_.view(), .number = 0, .detail = {}};
    // SIGBUS: nothing is behind the mapping any more. SIGSEGV: the mapping itself is gone.
    error.number = fault == SIGBUS ? EIO : ENXIO;
    error.detail << "there is nothing at offset 0x";
    error.detail.append(offset, 16) << " any more";
    return std::unexpected(error);
}

Result<std::uint64_t> Region::read(Width width, std::size_t offset) const noexcept {
    switch (width) {
    case Width::bits8:
        return read<std::uint8_t>(offset);
    case Width::bits16:
        return read<std::uint16_t>(offset);
    case Width::bits32:
        return read<std::uint32_t>(offset);
    case Width::bits64:
        return read<std::uint64_t>(offset);
    }
    return base::failure("read", name_, "no such width");
}

Result<> Region::write(Width width, std::size_t offset, std::uint64_t value) noexcept {
    switch (width) {
    case Width::bits8:
        return write(offset, static_cast<std::uint8_t>(value));
    case Width::bits16:
        return write(offset, static_cast<std::uint16_t>(value));
    case Width::bits32:
        return write(offset, static_cast<std::uint32_t>(value));
    case Width::bits64:
        return write(offset, value);
    }
    return base::failure("write", name_, "no such width");
}

template <Word Value>
Result<> Region::read_words(std::size_t offset, std::span<std::byte> to) const noexcept {
    for (std::size_t done = 0; done < to.size(); done += sizeof(Value)) {
        const Loaded loaded = load<Value>(start_ + offset + done);
        if (loaded.fault != 0) { return vanished("read", offset + done, loaded.fault); }
        std::memcpy(to.data() + done, &loaded.value, sizeof(Value));
    }
    return {};
}

template <Word Value>
Result<> Region::write_words(std::size_t offset, std::span<const std::byte> from) noexcept {
    for (std::size_t done = 0; done < from.size(); done += sizeof(Value)) {
        Value value{};
        std::memcpy(&value, from.data() + done, sizeof(Value));
        if (const auto fault = store<Value>(start_ + offset + done, value)) {
            return vanished("write", offset + done, fault);
        }
    }
    return {};
}

namespace {

base::Text<511> describe_block(std::size_t count, std::size_t offset, std::size_t width,
                               std::size_t size) noexcept {
    base::Text<511> words;
    words << count << " bytes at offset 0x";
    words.append(offset, 16) << " in accesses of " << width * 8 << " bits ";
    if (offset % width != 0 || count % width != 0) {
        words << "are not aligned: offset and size are to be multiples of " << width;
    } else {
        words << "are beyond its 0x";
        words.append(size, 16) << " bytes";
    }
    return words;
}

} // namespace

Result<> Region::read_block(Width width, std::size_t offset, std::span<std::byte> to) const noexcept {
    const auto bytes = static_cast<std::size_t>(width);
    if (!is_valid_block(offset, to.size(), bytes)) {
        return base::failure("read", name_, describe_block(to.size(), offset, bytes, size_));
    }
    switch (width) {
    case Width::bits8:
        return read_words<std::uint8_t>(offset, to);
    case Width::bits16:
        return read_words<std::uint16_t>(offset, to);
    case Width::bits32:
        return read_words<std::uint32_t>(offset, to);
    case Width::bits64:
        return read_words<std::uint64_t>(offset, to);
    }
    return base::failure("read", name_, "no such width");
}

Result<> Region::write_block(Width width, std::size_t offset, std::span<const std::byte> from) noexcept {
    const auto bytes = static_cast<std::size_t>(width);
    if (access_ == Access::read_only) {
        return base::failure("write", name_, "it was opened for reading only");
    }
    if (!is_valid_block(offset, from.size(), bytes)) {
        return base::failure("write", name_, describe_block(from.size(), offset, bytes, size_));
    }
    switch (width) {
    case Width::bits8:
        return write_words<std::uint8_t>(offset, from);
    case Width::bits16:
        return write_words<std::uint16_t>(offset, from);
    case Width::bits32:
        return write_words<std::uint32_t>(offset, from);
    case Width::bits64:
        return write_words<std::uint64_t>(offset, from);
    }
    return base::failure("write", name_, "no such width");
}

} // namespace vb::hardware
