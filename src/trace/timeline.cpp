#include "trace/timeline.h"

#include <algorithm>
#include <cstring>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace vb::trace {

namespace {

base::Result<Layout*> map(int fd) noexcept {
    void* const address = ::mmap(nullptr, sizeof(Layout), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (address == MAP_FAILED) { return base::system_error("mmap", "boot timeline"); }
    return static_cast<Layout*>(address);
}

} // namespace

base::Result<Timeline> Timeline::create(Nanoseconds origin) noexcept {
    Timeline timeline;
    timeline.fd_.reset(::memfd_create("vector_boot-timeline", MFD_CLOEXEC));
    if (!timeline.fd_) { return base::system_error("memfd_create", "boot timeline"); }
    if (::ftruncate(timeline.fd(), sizeof(Layout)) != 0) {
        return base::system_error("ftruncate", "boot timeline");
    }
    const auto layout = map(timeline.fd());
    if (!layout) { return std::unexpected(layout.error()); }
    timeline.layout_ = *layout;
    timeline.layout_->header.origin = origin.count();
    timeline.layout_->header.version = Header::version_value;
    timeline.layout_->header.magic = Header::magic_value;
    return timeline;
}

base::Result<Timeline> Timeline::attach(int fd) noexcept {
    struct stat status{};
    if (::fstat(fd, &status) != 0) { return base::system_error("fstat", "boot timeline"); }
    if (status.st_size != static_cast<off_t>(sizeof(Layout))) {
        return base::failure("attach", "boot timeline", "the file has another size than a timeline");
    }
    const auto layout = map(fd);
    if (!layout) { return std::unexpected(layout.error()); }
    Timeline timeline;
    timeline.layout_ = *layout;
    const Header& header = timeline.layout_->header;
    if (header.magic != Header::magic_value || header.version != Header::version_value) {
        return base::failure("attach", "boot timeline", "not a timeline, or one of another version");
    }
    return timeline;
}

Timeline::~Timeline() {
    if (layout_ != nullptr) { ::munmap(layout_, sizeof(Layout)); }
}

void Timeline::record(std::string_view name, Nanoseconds begin, Nanoseconds end) noexcept {
    if (layout_ == nullptr) { return; }
    const std::uint32_t index = layout_->header.used.fetch_add(1, std::memory_order_relaxed);
    if (index >= Layout::capacity) {
        layout_->header.used.store(Layout::capacity, std::memory_order_relaxed);
        layout_->header.dropped.fetch_add(1, std::memory_order_relaxed);
        return;
    }
    Record& record = layout_->records[index];
    record.begin = begin.count();
    record.end = end.count();
    record.process = ::getpid();
    record.thread = ::gettid();
    const std::size_t length = std::min(name.size(), sizeof record.name - 1);
    std::memcpy(record.name, name.data(), length);
    record.name[length] = '\0';
    record.written.store(true, std::memory_order_release);
}

} // namespace vb::trace
