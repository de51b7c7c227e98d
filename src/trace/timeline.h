// The boot timeline: spans that PID 1 and the runtime write into one shared mapping, on one clock
// (CLOCK_MONOTONIC), so that a boot is one picture across processes.
// Recording never blocks, allocates or fails: a full timeline counts what it drops.
#pragma once

#include "base/clock.h"
#include "base/error.h"
#include "base/unique_fd.h"

#include <atomic>
#include <cstdint>
#include <string_view>
#include <utility>

namespace vb::trace {

using base::Nanoseconds;

// The mapping's layout, read by other processes: append only, version in the header.
struct Record {
    std::int64_t begin; // nanoseconds of CLOCK_MONOTONIC
    std::int64_t end;
    std::int32_t process;
    std::int32_t thread;
    char name[39];             // NUL-terminated
    std::atomic<bool> written; // set last: a reader takes the record only then
};
struct Header {
    static constexpr std::uint32_t magic_value = 0x4c544256; // "VBTL"
    static constexpr std::uint32_t version_value = 1;

    std::uint32_t magic;
    std::uint32_t version;
    std::int64_t origin; // what the timeline calls zero: the kernel's start, or PID 1's
    std::atomic<std::uint32_t> used;
    std::atomic<std::uint32_t> dropped;
    std::atomic<std::int64_t> spawned; // when PID 1 last started the runtime: its exec and ld.so begin there
};
struct Layout {
    static constexpr std::uint32_t capacity = 250;
    Header header;
    Record records[capacity];
};
static_assert(sizeof(Record) == 64 && sizeof(Layout) < 16384);
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<std::uint32_t>::is_always_lock_free);

// Name of the environment variable that carries the mapping's file descriptor to the runtime.
inline constexpr char environment_variable[] = "VECTOR_BOOT_TIMELINE";

class Timeline {
  public:
    // Records nothing: for programs that run outside a boot.
    Timeline() noexcept = default;

    // Creates the mapping in an anonymous file that children inherit when told to (it is CLOEXEC).
    static base::Result<Timeline> create(Nanoseconds origin) noexcept;
    // Maps one that another process created; `fd` stays the caller's. Refuses anything that is not a
    // timeline.
    static base::Result<Timeline> attach(int fd) noexcept;

    Timeline(Timeline&& other) noexcept
        : layout_(std::exchange(other.layout_, nullptr)), fd_(std::move(other.fd_)) {}
    Timeline& operator=(Timeline&& other) noexcept {
        std::swap(layout_, other.layout_);
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Timeline();

    // Any thread. Names longer than a record's are cut.
    void record(std::string_view name, Nanoseconds begin, Nanoseconds end) noexcept;
    // A point in time.
    void mark(std::string_view name) noexcept {
        const Nanoseconds now = base::monotonic_now();
        record(name, now, now);
    }

    // PID 1 starts the runtime now; the runtime asks when that was.
    void spawning() noexcept {
        if (layout_ != nullptr) { layout_->header.spawned.store(base::monotonic_now().count()); }
    }
    Nanoseconds spawned() const noexcept {
        return Nanoseconds(layout_ != nullptr ? layout_->header.spawned.load() : 0);
    }

    const Layout* layout() const noexcept { return layout_; }
    int fd() const noexcept { return fd_.get(); }

  private:
    Layout* layout_ = nullptr;
    base::UniqueFd fd_;
};

// Records the time from its construction to its destruction, or to end().
class Span {
  public:
    Span(Timeline& timeline, std::string_view name) noexcept
        : timeline_(&timeline), name_(name), begin_(base::monotonic_now()) {}
    Span(const Span&) = delete;
    Span& operator=(const Span&) = delete;
    ~Span() { end(); }
    void end() noexcept {
        if (Timeline* const timeline = std::exchange(timeline_, nullptr)) {
            timeline->record(name_, begin_, base::monotonic_now());
        }
    }

  private:
    Timeline* timeline_;
    std::string_view name_; // outlives the span: a literal
    Nanoseconds begin_;
};

} // namespace vb::trace
