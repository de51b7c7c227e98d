#include "device/file_view.h"

#include "base/unique_fd.h"

#include <algorithm>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

namespace vb::device {

namespace {

constexpr std::string_view blanks = " \t\r";

} // namespace

base::Result<FileView> FileView::open(const char* path) noexcept {
    const base::UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    struct stat status{};
    if (!file || ::fstat(file.get(), &status) != 0) { return base::system_error("open", path); }
    if (!S_ISREG(status.st_mode)) { return base::failure("open", path, "it is not a regular file"); }
    if (status.st_size == 0) { return FileView(); }
    const auto size = static_cast<std::size_t>(status.st_size);
    void* const start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
    if (start == MAP_FAILED) { return base::system_error("map", path); }
    return FileView({static_cast<const char*>(start), size});
}

FileView::~FileView() {
    if (!text_.empty()) { ::munmap(const_cast<char*>(text_.data()), text_.size()); }
}

bool take_line(std::string_view& rest, std::string_view& line) noexcept {
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        line = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        const std::size_t begin = line.find_first_not_of(blanks);
        if (begin == std::string_view::npos || line[begin] == '#') { continue; }
        line.remove_prefix(begin);
        return true;
    }
    return false;
}

std::string_view take_word(std::string_view& rest) noexcept {
    rest.remove_prefix(std::min(rest.find_first_not_of(blanks), rest.size()));
    const std::string_view word = rest.substr(0, rest.find_first_of(blanks));
    rest.remove_prefix(word.size());
    return word;
}

} // namespace vb::device
