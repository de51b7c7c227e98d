#include "journal/ring_reader.h"

#include <bit>
#include <cstring>
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

namespace vb::journal {

base::Result<RingMapping> RingMapping::attach(int fd) noexcept {
    constexpr char object[] = "journal";
    struct stat status{};
    if (::fstat(fd, &status) != 0) { return base::system_error("fstat", object); }
    const auto size = static_cast<std::size_t>(status.st_size);
    constexpr std::size_t most = std::size_t{1} << 32U; // no ring is larger: not a device, not a disk
    if (size <= RingHeader::bytes || size > most) {
        return base::failure("attach", object, "the file has another size than a ring");
    }
    void* const address = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
    if (address == MAP_FAILED) { return base::system_error("mmap", object); }
    RingMapping mapping;
    mapping.header_ = static_cast<const RingHeader*>(address);
    mapping.bytes_ = size;
    const RingHeader& header = mapping.header();
    if (header.magic != RingHeader::magic_value || header.version != RingHeader::version_value ||
        !std::has_single_bit(header.capacity) || header.capacity != (size - RingHeader::bytes) / 8) {
        return base::failure("attach", object, "not the ring of a journal, or one of another version");
    }
    return mapping;
}

base::Result<RingMapping> RingMapping::open(const char* path) noexcept {
    const base::UniqueFd fd(::open(path, O_RDONLY | O_CLOEXEC));
    if (!fd) { return base::system_error("open", path); }
    return attach(fd.get());
}

RingMapping::~RingMapping() {
    if (header_ != nullptr) { ::munmap(const_cast<RingHeader*>(header_), bytes_); }
}

// Copies the record at position_. False: what was copied is no record.
bool RingReader::copy(std::uint64_t head) noexcept {
    const std::atomic<std::uint64_t>* const words = ring_words(header_);
    std::uint64_t word = words[position_ & (capacity_ - 1)].load(std::memory_order_acquire);
    copy_.size = encoded_size(word);
    if (copy_.size == 0 || copy_.size / 8 > head - position_) { return false; }
    std::byte* to = copy_.bytes.data();
    std::memcpy(to, &word, sizeof word);
    for (std::uint64_t at = position_ + 1; at < position_ + copy_.size / 8; ++at) {
        to += sizeof word;
        word = words[at & (capacity_ - 1)].load(std::memory_order_acquire);
        std::memcpy(to, &word, sizeof word);
    }
    return true;
}

std::optional<Record> RingReader::read() noexcept {
    bell_ = header_->bell.load(std::memory_order_acquire);
    while (true) {
        const std::uint64_t head = header_->head.load(std::memory_order_seq_cst);
        if (position_ >= head) { return std::nullopt; }
        const bool copied = copy(head);
        // What was copied counts only if the producer had not begun to overwrite it; see Ring::append().
        const std::uint64_t tail = header_->tail.load(std::memory_order_acquire);
        if (tail > position_) {
            position_ = tail;
            continue;
        }
        if (!copied) { // not overtaken, and yet no record: somebody else wrote over the ring
            position_ = head;
            continue;
        }
        position_ += copy_.size / 8;
        const auto record = decode_record(copy_.view());
        if (!record || record->sequence < next_) { continue; }
        lost_ += record->sequence - next_;
        next_ = record->sequence + 1;
        return record;
    }
}

void RingReader::wait() noexcept {
    constexpr timespec second{.tv_sec = 1, .tv_nsec = 0};
    const bool somebody_rings = header_->waiting.load() != 0;
    // Not FUTEX_PRIVATE_FLAG: the bell is in a shared mapping. Read-only is enough for waiting.
    ::syscall(SYS_futex, &header_->bell, FUTEX_WAIT, bell_, somebody_rings ? nullptr : &second, nullptr, 0);
}

} // namespace vb::journal
