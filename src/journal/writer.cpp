#include "journal/writer.h"

#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace vb::journal {

namespace {

constexpr Nanoseconds sync_within = std::chrono::seconds(1);
constexpr Nanoseconds first_pause = std::chrono::seconds(1);
constexpr Nanoseconds longest_pause = std::chrono::seconds(64);
constexpr std::size_t batch_records = 512; // between two looks at the clock

// Of the kernel, or zeroes where /proc is not mounted.
Id read_boot_id() noexcept {
    Id id{};
    const base::UniqueFd file(::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
    char text[37] = {}; // 01234567-89ab-cdef-0123-456789abcdef
    if (!file || ::read(file.get(), text, 36) != 36) { return id; }
    std::size_t digits = 0;
    for (const char digit : text) {
        const bool is_letter = digit >= 'a' && digit <= 'f';
        if (!is_letter && (digit < '0' || digit > '9')) { continue; }
        const int value = is_letter ? digit - 'a' + 10 : digit - '0';
        std::uint8_t& byte = id[digits / 2 % id.size()];
        byte = static_cast<std::uint8_t>(byte << 4U | value);
        ++digits;
    }
    return id;
}

} // namespace

Writer::Writer(Ring& ring, const StoreOptions& options, const base::Log& log, int parent) noexcept
    : ring_(ring), header_(*ring.header()), store_(options, header_.run, read_boot_id()), log_(log),
      parent_(parent) {}

bool Writer::run() noexcept {
    bool stop = false;
    while (!stop) {
        stop =
            sleep(); // asked before looking at the ring, so that all of what came before the request is copied
        seen_head_ = header_.head.load(std::memory_order_seq_cst);
        // Readers sleep until this. Before the disk is touched, which may take long, and even if there is nothing
        // new: they are to see that nobody waits for the producer any more.
        ring_the_bell(header_);
        copy(/*last_chance=*/stop);
    }
    return header_.flushed.load() == header_.last.load();
}

// True: to stop. Sleeps unless there is something to do.
bool Writer::sleep() noexcept {
    header_.waiting.store(is_behind_ ? 0 : 1, std::memory_order_seq_cst);
    // In one order with Ring::append() and poke(): either they see that this waits, or this sees what they did.
    const bool is_awake = is_behind_ || header_.head.load(std::memory_order_seq_cst) != seen_head_ ||
                          header_.stop.load(std::memory_order_seq_cst) != 0;
    pollfd wakers[] = {{.fd = ring_.poke_fd(), .events = POLLIN, .revents = 0},
                       {.fd = parent_, .events = POLLIN, .revents = 0}};
    (void)::poll(wakers, std::size(wakers), is_awake ? 0 : sleep_milliseconds());
    header_.waiting.store(0, std::memory_order_relaxed);
    std::uint64_t pokes = 0;
    (void)!::read(ring_.poke_fd(), &pokes, sizeof pokes);
    return header_.stop.load(std::memory_order_seq_cst) != 0 || wakers[1].revents != 0;
}

int Writer::sleep_milliseconds() const noexcept {
    Nanoseconds deadline = Nanoseconds::max();
    if (is_failing()) {
        // A disk that stays read-only is tried a few times, and from then on only when there are new lines.
        if (pause_ < longest_pause) { deadline = retry_at_; }
    } else if (store_.is_unsynced()) {
        deadline = sync_by_;
    }
    if (deadline == Nanoseconds::max()) { return -1; }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - base::monotonic_now());
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 100'000));
}

void Writer::copy(bool last_chance) noexcept {
    is_behind_ = false;
    if (is_failing() && !last_chance && base::monotonic_now() < retry_at_) { return; }
    do {
        bool urgent = last_chance || is_failing(); // what failed is tried to its end
        const bool was_unsynced = store_.is_open() && store_.is_unsynced();
        if (!prepare()) { return; }
        is_behind_ = copy_batch(urgent);
        if (!reader_) { return; } // it failed
        const Nanoseconds now = base::monotonic_now();
        if (!was_unsynced) { sync_by_ = now + sync_within; }
        if (store_.is_unsynced() && (urgent || now >= sync_by_)) { sync(); }
        if (is_failing() && reader_) { recovered(); }
    } while (last_chance && is_behind_);
}

// An open store, and a reader of the ring behind what the store has.
bool Writer::prepare() noexcept {
    if (!store_.is_open()) {
        if (const auto opened = store_.open(); !opened) {
            failed(opened.error());
            return false;
        }
        reader_.reset();
        publish();
    }
    if (!reader_) { reader_.emplace(header_, store_.appended()); }
    return true;
}

// True: the ring has more.
bool Writer::copy_batch(bool& urgent) noexcept {
    for (std::size_t copied = 0; copied < batch_records; ++copied) {
        const auto record = reader_->read();
        if (!record) { return false; }
        if (const auto appended = store_.append(*record); !appended) {
            failed(appended.error());
            return false;
        }
        urgent = urgent || record->level <= Level::warning;
    }
    return true;
}

void Writer::sync() noexcept {
    if (const auto synced = store_.sync(); !synced) {
        failed(synced.error());
    } else {
        publish();
    }
}

void Writer::publish() noexcept {
    // Not backwards: where somebody deleted the files, what was on the disk stays flushed.
    header_.flushed.store(std::max(header_.flushed.load(), store_.synced()));
}

void Writer::failed(const base::Error& error) noexcept {
    if (!is_failing()) { log_.error("the journal stays in memory for now: ", base::describe(error).view()); }
    header_.fault.store(static_cast<std::uint32_t>(error.number != 0 ? error.number : EIO));
    pause_ = is_failing() ? std::min(pause_ * 2, longest_pause) : first_pause;
    retry_at_ = base::monotonic_now() + pause_;
    reader_.reset(); // the store may have gone back
}

void Writer::recovered() noexcept {
    pause_ = Nanoseconds::zero();
    header_.fault.store(0);
    log_.notice("the journal goes to the disk again");
}

bool run_writer_process(Ring& ring, const StoreOptions& options, const base::Log& log, int log_fd) noexcept {
    // The end of the machine sends signals to everybody, and what they say is what this has yet to write.
    sigset_t all;
    sigfillset(&all);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
        sigdelset(&all, fault);
    }
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    (void)::prctl(PR_SET_NAME, "journal writer");
    // A socket or pipe that stays open here would never end for those at its other end.
    auto first = static_cast<unsigned>(STDERR_FILENO + 1);
    const auto [low, high] = std::minmax({ring.poke_fd(), log_fd});
    for (const int kept : {low, high}) {
        const auto fd = static_cast<unsigned>(kept);
        if (kept < 0 || fd < first) { continue; }
        if (fd > first) { (void)::close_range(first, fd - 1, 0); }
        first = fd + 1;
    }
    (void)::close_range(first, ~0U, 0);
    // Where the parent is not PID 1, its end does not end its children.
    const base::UniqueFd parent(static_cast<int>(::syscall(SYS_pidfd_open, ::getppid(), 0)));
    Writer writer(ring, options, log, parent.get());
    return writer.run();
}

} // namespace vb::journal
