#include "journal/store.h"

#include "journal/segment_files.h"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <ranges>
#include <sys/file.h>
#include <sys/stat.h>

namespace vb::journal {

namespace {

constexpr mode_t directory_mode = 0755;
constexpr mode_t segment_mode = 0640;

// With its parents; what is there already is not touched.
base::Result<> make_directories(const char* path) noexcept {
    const base::Text<4095> whole(path);
    for (std::size_t end = 1; end <= whole.size(); ++end) {
        if (end < whole.size() && whole.view()[end] != '/') { continue; }
        const base::Text<4095> part(whole.view().substr(0, end));
        if (::mkdir(part.c_str(), directory_mode) == 0) {
            (void)::chmod(part.c_str(), directory_mode); // whatever the umask is
        } else if (errno != EEXIST) {
            return base::system_error("mkdir", part);
        }
    }
    return {};
}

} // namespace

base::Result<> Store::open_directory() noexcept {
    if (auto made = make_directories(options_.directory); !made) { return made; }
    directory_.reset(::open(options_.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory_) { return base::system_error("open", options_.directory); }
    if (::flock(directory_.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) { return base::system_error("flock", options_.directory); }
        return base::failure("open", options_.directory, "another process writes the journal there");
    }
    return {};
}

void Store::close() noexcept {
    segment_.reset();
    directory_.reset();
    written_ = on_disk_ = 0;
    buffered_ = 0;
    unsynced_ = is_name_new_ = false;
}

base::Result<> Store::open() noexcept {
    close();
    appended_ = synced_ = 0;
    auto ready = open_directory();
    if (ready) { ready = resume(); }
    if (ready) {
        // What an earlier process of this run wrote but did not sync is to be on the disk as well.
        unsynced_ = true;
        ready = sync();
    }
    if (!ready) { close(); }
    return ready;
}

// Goes on in the newest segment, and finds out what this run has written already.
base::Result<> Store::resume() noexcept {
    const auto numbers = list_segments(directory_.get());
    if (!numbers) { return std::unexpected(numbers.error()); }
    bool is_marked = false; // the newest segment says that it is this run's
    for (const std::uint64_t number : *numbers | std::views::reverse) {
        const bool is_newest = number == numbers->back();
        const int access = is_newest ? O_RDWR : O_RDONLY;
        base::UniqueFd file(::openat(directory_.get(), segment_name(number).c_str(),
                                     access | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
        if (!file) { continue; } // what cannot be read is left alone; a new segment goes behind it
        const auto bytes = read_segment(file.get());
        if (!bytes) { continue; }
        const SegmentSummary summary = summarize(bytes->view(), number);
        if (is_newest) {
            auto adopted = adopt(std::move(file), number, bytes->size, summary.end);
            if (!adopted) { return adopted; }
        }
        if (!summary.marker) { continue; } // it was begun and no more: an older one knows
        if (summary.marker->run == run_) {
            appended_ = summary.last;
            is_marked = is_newest;
        }
        break;
    }
    if (segment_ && is_marked) { return {}; }
    return segment_ && has_room(least_encoded_bytes + 2 * sizeof(Id)) ? put_marker() : begin_segment();
}

base::Result<> Store::adopt(base::UniqueFd file, std::uint64_t number, std::size_t size,
                            std::size_t end) noexcept {
    if (size > end && ::ftruncate(file.get(), static_cast<off_t>(end)) != 0) {
        return base::system_error("cut the torn end off", segment_name(number));
    }
    segment_ = std::move(file);
    number_ = number;
    written_ = on_disk_ = end;
    return {};
}

base::Result<> Store::begin_segment() noexcept {
    const auto numbers = list_segments(directory_.get());
    if (!numbers) { return std::unexpected(numbers.error()); }
    const std::size_t keep = std::max(options_.segments, 1U) - 1;
    for (std::size_t index = 0; index + keep < numbers->size(); ++index) {
        const auto oldest = segment_name((*numbers)[index]);
        if (::unlinkat(directory_.get(), oldest.c_str(), 0) != 0 && errno != ENOENT) {
            return base::system_error("delete", oldest);
        }
    }
    const std::uint64_t number = numbers->empty() ? 1 : numbers->back() + 1;
    const auto name = segment_name(number);
    base::UniqueFd file(::openat(directory_.get(), name.c_str(),
                                 O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, segment_mode));
    if (!file) { return base::system_error("create", name); }
    (void)::fchmod(file.get(), segment_mode); // whatever the umask is
    segment_ = std::move(file);
    number_ = number;
    written_ = on_disk_ = 0;
    is_name_new_ = true;
    return put_marker();
}

bool Store::has_room(std::size_t payload_bytes) const noexcept {
    return written_ + buffered_ + sizeof(FrameHeader) + payload_bytes <= options_.segment_bytes;
}

base::Result<> Store::append(const Record& record) noexcept {
    Encoded encoded;
    encode(record, encoded);
    if (!has_room(encoded.size)) {
        auto rotated = sync(); // in order: a later segment on the disk means that all before it is
        if (rotated) { rotated = begin_segment(); }
        if (!rotated) { return rotated; }
    }
    auto taken = put(encoded.view());
    if (taken) { appended_ = record.sequence; }
    return taken;
}

base::Result<> Store::put_marker() noexcept {
    Encoded encoded;
    encode(Marker{.run = run_, .boot = boot_, .times = Times::now(), .next = appended_ + 1}, encoded);
    return put(encoded.view());
}

base::Result<> Store::put(std::span<const std::byte> payload) noexcept {
    if (buffered_ + most_frame_bytes > buffer_.size()) {
        if (auto written = write_buffer(); !written) { return written; }
    }
    buffered_ += put_frame(payload, number_, std::span(buffer_).subspan(buffered_));
    unsynced_ = true;
    return {};
}

// A write that was cut short by a full disk leaves the rest in the buffer: it goes where it belongs once there
// is room, and until then the segment's end is torn, which readers know.
base::Result<> Store::write_buffer() noexcept {
    std::size_t done = 0;
    int fault = 0;
    while (done < buffered_ && fault == 0) {
        const ssize_t taken =
            ::pwrite(segment_.get(), buffer_.data() + done, buffered_ - done, static_cast<off_t>(written_));
        if (taken > 0) {
            done += static_cast<std::size_t>(taken);
            written_ += static_cast<std::uint64_t>(taken);
        } else {
            fault = taken == 0 ? ENOSPC : errno;
        }
    }
    buffered_ -= done;
    std::memmove(buffer_.data(), buffer_.data() + done, buffered_);
    if (fault == 0) { return {}; }
    errno = fault;
    return base::system_error("write", segment_name(number_));
}

base::Result<> Store::sync() noexcept {
    if (!unsynced_) { return {}; }
    if (auto written = write_buffer(); !written) { return written; }
    if (::fdatasync(segment_.get()) != 0) {
        const auto error = base::system_error("fdatasync", segment_name(number_));
        // The kernel has dropped what it could not write, and would say next time that all is well: the disk
        // is taken to have nothing since the last time, and the ring is asked for it again.
        (void)!::ftruncate(segment_.get(), static_cast<off_t>(on_disk_));
        close();
        return error;
    }
    // Some file systems have no directories to sync.
    if (is_name_new_ && ::fsync(directory_.get()) != 0 && errno != EINVAL) {
        return base::system_error("fsync", options_.directory);
    }
    struct stat status{};
    if (::fstat(segment_.get(), &status) == 0 && status.st_nlink == 0) {
        const auto error = base::failure("sync", segment_name(number_), "somebody deleted the file");
        close();
        return error;
    }
    is_name_new_ = unsynced_ = false;
    on_disk_ = written_;
    synced_ = appended_;
    return {};
}

} // namespace vb::journal
