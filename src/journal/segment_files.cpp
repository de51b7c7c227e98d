#include "journal/segment_files.h"

#include "base/unique_fd.h"

#include <algorithm>
#include <dirent.h>
#include <fcntl.h>
#include <new>
#include <sys/stat.h>

namespace vb::journal {

namespace {

constexpr std::string_view suffix = ".journal";
constexpr std::size_t digits = 10;
constexpr off_t most_segment_bytes = off_t{64} << 20U;

struct CloseDirectory {
    void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};

} // namespace

base::Text<31> segment_name(std::uint64_t number) noexcept {
    base::Text<31> decimal;
    decimal << number;
    base::Text<31> name;
    for (std::size_t width = decimal.size(); width < digits; ++width) {
        name << "0";
    }
    return name << decimal.view() << suffix;
}

std::uint64_t segment_number(std::string_view name) noexcept {
    std::uint64_t number = 0;
    if (name.size() != digits + suffix.size() || !name.ends_with(suffix)) { return 0; }
    (void)base::parse_number(name.substr(0, digits), number);
    return number;
}

base::Result<std::vector<std::uint64_t>> list_segments(int directory) noexcept {
    // Opened anew: a duplicate would share the position of whoever reads the directory as well.
    base::UniqueFd own(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!own) { return base::system_error("open", "journal directory"); }
    const std::unique_ptr<DIR, CloseDirectory> stream(::fdopendir(own.get()));
    if (!stream) { return base::system_error("fdopendir", "journal directory"); }
    own.release();
    std::vector<std::uint64_t> numbers;
    while (const dirent* const entry = ::readdir(stream.get())) {
        if (const std::uint64_t number = segment_number(entry->d_name); number != 0) {
            numbers.push_back(number);
        }
    }
    std::ranges::sort(numbers);
    return numbers;
}

base::Result<Bytes> read_segment(int file) noexcept {
    constexpr char object[] = "journal segment";
    struct stat status{};
    if (::fstat(file, &status) != 0) { return base::system_error("fstat", object); }
    if (!S_ISREG(status.st_mode) || status.st_size > most_segment_bytes) {
        return base::failure("read", object, "not a regular file of at most 64 MiB");
    }
    const auto most = static_cast<std::size_t>(status.st_size);
    Bytes bytes{.data = std::unique_ptr<std::byte[]>(new (std::nothrow) std::byte[most])};
    if (!bytes.data) {
        errno = ENOMEM;
        return base::system_error("read", object);
    }
    while (bytes.size < most) {
        const ssize_t got =
            ::pread(file, bytes.data.get() + bytes.size, most - bytes.size, static_cast<off_t>(bytes.size));
        if (got < 0) { return base::system_error("read", object); }
        if (got == 0) { break; } // cut since
        bytes.size += static_cast<std::size_t>(got);
    }
    return bytes;
}

} // namespace vb::journal
