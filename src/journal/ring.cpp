#include "journal/ring.h"

#include <bit>
#include <climits>
#include <cstring>
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>

namespace vb::journal {

namespace {

constexpr char name[] = "journal";

Id random_id() noexcept {
    Id id{};
    // Early in a boot the kernel's pool may not be ready, and waiting for it is not for PID 1: what there is
    // tells runs apart well enough. Where even that is refused (an old kernel), the clocks do.
    if (::getrandom(id.data(), id.size(), GRND_INSECURE) != static_cast<ssize_t>(id.size())) {
        const Times now = Times::now();
        std::memcpy(id.data(), &now, sizeof now);
    }
    return id;
}

// What the seals protect: readers of the descriptor can neither cut the mapping under our feet nor map it for
// writing. Kernels before 5.1 do not know the last of them, and then refuse all.
void seal(int fd) noexcept {
    constexpr int always = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    if (::fcntl(fd, F_ADD_SEALS, always | F_SEAL_FUTURE_WRITE) != 0) {
        (void)::fcntl(fd, F_ADD_SEALS, always);
    }
}

} // namespace

base::Result<Ring> Ring::create(std::size_t bytes) noexcept {
    if (!std::has_single_bit(bytes) || bytes < RingHeader::bytes) {
        return base::failure("create", name, "the size has to be a power of two, at least 4096");
    }
    Ring ring;
    ring.fd_.reset(::memfd_create("vector_boot-journal", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!ring.fd_) { return base::system_error("memfd_create", name); }
    ring.poke_fd_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!ring.poke_fd_) { return base::system_error("eventfd", name); }
    const std::size_t size = RingHeader::bytes + bytes;
    if (::fchmod(ring.fd(), 0400) != 0 || ::ftruncate(ring.fd(), static_cast<off_t>(size)) != 0) {
        return base::system_error("ftruncate", name);
    }
    void* const address = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd(), 0);
    if (address == MAP_FAILED) { return base::system_error("mmap", name); }
    ring.header_ = static_cast<RingHeader*>(address);
    ring.bytes_ = size;
    seal(ring.fd());
    ring.header_->capacity = bytes / sizeof(std::uint64_t);
    ring.header_->run = random_id();
    ring.header_->version = RingHeader::version_value;
    ring.header_->magic = RingHeader::magic_value;
    return ring;
}

Ring::~Ring() {
    if (header_ != nullptr) { ::munmap(header_, bytes_); }
}

// Readers take no lock. They find out that a record was overwritten under them by looking at the tail after
// they copied it, which works because (1) the tail moves before the first word is overwritten, and (2) each
// word is stored with release and loaded with acquire: who has seen a new word sees the tail's move as well.
void Ring::append(const Times& times, Level level, std::string_view unit, std::string_view text,
                  bool cut) noexcept {
    if (header_ == nullptr) { return; }
    Encoded encoded;
    encode({.sequence = next_, .times = times, .level = level, .cut = cut, .unit = unit, .text = text},
           encoded);
    std::atomic<std::uint64_t>* const words = ring_words(header_);
    const std::uint64_t capacity = header_->capacity;
    const std::uint64_t head = header_->head.load(std::memory_order_relaxed);
    const std::uint64_t end = head + encoded.size / 8;

    std::uint64_t tail = header_->tail.load(std::memory_order_relaxed);
    if (end - tail > capacity) {
        while (end - tail > capacity) { // bounded: the largest record takes the place of 34 of the smallest
            const std::uint64_t word = words[tail & (capacity - 1)].load(std::memory_order_relaxed);
            const std::uint64_t size = encoded_size(word) / 8;
            const bool is_record = size != 0 && size <= head - tail;
            tail = is_record ? tail + size : head; // none: somebody wrote over the ring; begin anew
        }
        header_->tail.store(tail, std::memory_order_release);
    }
    const std::byte* from = encoded.bytes.data();
    for (std::uint64_t at = head; at < end; ++at, from += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, from, sizeof word);
        words[at & (capacity - 1)].store(word, std::memory_order_release);
    }
    header_->last.store(next_++, std::memory_order_relaxed);
    // In one order with `waiting`: either poke() sees that the writer is about to sleep, or it sees this.
    header_->head.store(end, std::memory_order_seq_cst);
}

void Ring::poke() noexcept {
    if (header_ == nullptr || std::exchange(poked_, next_ - 1) == next_ - 1) { return; }
    if (header_->waiting.load(std::memory_order_seq_cst) != 0) { wake_writer(); }
}

void Ring::wake_writer() noexcept {
    header_->waiting.store(0, std::memory_order_relaxed);
    constexpr std::uint64_t once = 1;
    // Fails only where the counter is full, and then it wakes the writer as well.
    (void)!::write(poke_fd_.get(), &once, sizeof once);
}

void Ring::reset_writer() noexcept {
    if (header_ == nullptr) { return; }
    header_->stop.store(0);
    header_->waiting.store(0);
    header_->fault.store(0);
    ring_the_bell(*header_); // who relies on the writer's bell looks again at whether there is a writer
}

void Ring::stop_writer() noexcept {
    if (header_ == nullptr) { return; }
    header_->stop.store(1, std::memory_order_seq_cst);
    wake_writer();
}

base::Log::Sink log_sink(Ring& ring) noexcept {
    return {.append =
                [](void* object, Level level, std::string_view unit, std::string_view text) noexcept {
                    static_cast<Ring*>(object)->append(Times::now(), level, unit, text);
                },
            .object = &ring};
}

void ring_the_bell(RingHeader& header) noexcept {
    header.bell.fetch_add(1, std::memory_order_release);
    ::syscall(SYS_futex, &header.bell, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

} // namespace vb::journal
