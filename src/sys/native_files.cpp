#include "sys/native_kernel.h"

#include <algorithm>
#include <dirent.h>
#include <fcntl.h>
#include <link.h>
#include <linux/loop.h>
#include <malloc.h>
#include <span>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace vb::sys {

using base::system_error;

namespace {

constexpr std::uintptr_t page_size = 4096;

// Code and constants come back from the program's file where they are used again. What was relocated is in the
// writable segment. elf(5), dl_iterate_phdr(3): the program itself comes first.
int drop_read_only(dl_phdr_info* program, std::size_t /*size*/, void* /*unused*/) noexcept {
    for (const auto& segment : std::span(program->dlpi_phdr, program->dlpi_phnum)) {
        if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) { continue; }
        const std::uintptr_t first = program->dlpi_addr + segment.p_vaddr;
        const std::uintptr_t begin = first & ~(page_size - 1);
        ::madvise(reinterpret_cast<void*>(begin), first + segment.p_memsz - begin, MADV_DONTNEED); // NOLINT
    }
    return 1;
}

UniqueFd open_directory(int parent, const char* name) noexcept {
    return UniqueFd(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

bool is_empty(int directory) noexcept {
    alignas(dirent64) char entries[512];
    const ssize_t first = ::getdents64(directory, entries, sizeof entries);
    const auto is_only_itself = [](const dirent64& entry) {
        return std::string_view(entry.d_name) == "." || std::string_view(entry.d_name) == "..";
    };
    for (const char* at = entries; at < entries + std::max(first, ssize_t{0});) {
        const auto* const entry =
            reinterpret_cast<const dirent64*>(at); // NOLINT: as the kernel lays them out
        if (!is_only_itself(*entry)) { return false; }
        at += entry->d_reclen;
    }
    return first >= 0 && ::getdents64(directory, entries, sizeof entries) == 0;
}

} // namespace

Result<> NativeKernel::make_directory(const char* path, mode_t mode) noexcept {
    if (::mkdir(path, mode) != 0 && errno != EEXIST) { return system_error("mkdir", path); }
    return {};
}

Result<uid_t> NativeKernel::make_directory_for(const char* path, uid_t user, gid_t group) noexcept {
    UniqueFd directory(::open(*path == '/' ? "/" : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    bool is_new = false;
    std::string_view rest = path;
    while (directory && !rest.empty()) {
        const base::Text<255> name(base::take_until(rest, '/'));
        if (name.empty()) { continue; }
        UniqueFd next = open_directory(directory.get(), name.c_str());
        is_new = !next && errno == ENOENT;
        if (is_new) {
            if (::mkdirat(directory.get(), name.c_str(), 0755) != 0) { return system_error("mkdir", path); }
            next = open_directory(directory.get(), name.c_str());
        }
        directory = std::move(next);
    }
    struct stat status{};
    if (!directory || ::fstat(directory.get(), &status) != 0) { return system_error("open", path); }
    // Whoever may rename in the directory above could have put another one there, so it has to be ours.
    const bool is_ours = status.st_uid == ::geteuid() && (is_new || is_empty(directory.get()));
    if (status.st_uid == user || !is_ours) { return status.st_uid; }
    if (::fchown(directory.get(), user, group) != 0) { return system_error("chown", path); }
    return user;
}

Result<> NativeKernel::make_link(const char* target, const char* path) noexcept {
    if (::symlink(target, path) != 0 && errno != EEXIST) { return system_error("symlink", path); }
    return {};
}

Result<> NativeKernel::make_node(const char* path, mode_t mode, std::uint32_t major,
                                 std::uint32_t minor) noexcept {
    if (::mknod(path, mode, ::makedev(major, minor)) != 0) {
        if (errno == EEXIST) { return {}; }
        return system_error("mknod", path);
    }
    // The mode above has gone through our umask.
    if (::chmod(path, mode & 07777U) != 0) { return system_error("chmod", path); }
    return {};
}

Result<> NativeKernel::remove_file(const char* path) noexcept {
    if (::unlink(path) != 0 && errno != ENOENT) { return system_error("unlink", path); }
    return {};
}

Result<std::string_view> NativeKernel::list_directory(const char* path, std::span<char> buffer) noexcept {
    const UniqueFd directory(::open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory) { return system_error("open", path); }
    std::size_t size = 0;
    while (true) {
        alignas(dirent64) char entries[4096];
        const ssize_t count = ::getdents64(directory.get(), entries, sizeof entries);
        if (count < 0) { return system_error("read", path); }
        if (count == 0) { return std::string_view(buffer.data(), size); }
        for (const char* at = entries; at < entries + count;) {
            const auto* const entry =
                reinterpret_cast<const dirent64*>(at); // NOLINT: as the kernel lays them out
            at += entry->d_reclen;
            const std::string_view name = entry->d_name;
            if (name == "." || name == "..") { continue; }
            if (name.size() + 1 > buffer.size() - size) {
                errno = EFBIG;
                return system_error("read", path);
            }
            size += name.copy(buffer.data() + size, name.size());
            buffer[size++] = '\n';
        }
    }
}

Result<std::string_view> NativeKernel::read_file(const char* path, std::span<char> buffer) noexcept {
    const UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!file) { return system_error("open", path); }
    std::size_t size = 0;
    while (size < buffer.size()) {
        const ssize_t count = ::read(file.get(), buffer.data() + size, buffer.size() - size);
        if (count < 0 && errno == EINTR) { continue; }
        if (count < 0) { return system_error("read", path); }
        if (count == 0) { return std::string_view(buffer.data(), size); }
        size += static_cast<std::size_t>(count);
    }
    errno = EFBIG;
    return system_error("read", path);
}

Result<> NativeKernel::write_file(const char* path, std::string_view text) noexcept {
    const auto file = open_for_writing(path);
    if (!file) { return std::unexpected(file.error()); }
    // Files of the kernel take a value in one piece or not at all.
    const ssize_t written = ::write(file->get(), text.data(), text.size());
    if (written != static_cast<ssize_t>(text.size())) { return system_error("write", path); }
    return {};
}

Result<UniqueFd> NativeKernel::open_for_writing(const char* path) noexcept {
    UniqueFd file(::open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY));
    if (!file) { return system_error("open", path); }
    return file;
}

Result<> NativeKernel::remove_directory(const char* path) noexcept {
    if (::rmdir(path) != 0 && errno != ENOENT) { return system_error("rmdir", path); }
    return {};
}

void NativeKernel::drop_program_pages() noexcept {
    ::dl_iterate_phdr(drop_read_only, nullptr);
    ::malloc_trim(0);
    // The stack of calls that are over: all that is well below this one. What is not mapped there is passed over.
    constexpr std::uintptr_t in_use = 4 * page_size;
    constexpr std::uintptr_t deepest = std::uintptr_t{512} << 10;
    const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)) & ~(page_size - 1);
    ::madvise(reinterpret_cast<void*>(here - deepest), deepest - in_use, MADV_DONTNEED); // NOLINT: an address
}

Result<> NativeKernel::mount(const Mount& mount) noexcept {
    if (::mount(mount.source, mount.target, mount.type, mount.flags, mount.data) != 0) {
        return system_error("mount", mount.target);
    }
    return {};
}

Result<> NativeKernel::unmount(const char* target) noexcept {
    if (::umount2(target, UMOUNT_NOFOLLOW) != 0) { return system_error("umount", target); }
    return {};
}

Result<> NativeKernel::remount_read_only(const char* target) noexcept {
    if (::mount(nullptr, target, nullptr, MS_REMOUNT | MS_RDONLY, nullptr) != 0) {
        return system_error("remount read-only", target);
    }
    return {};
}

void NativeKernel::sync() noexcept { ::sync(); }

Result<> NativeKernel::swap_off(const char* path) noexcept {
    if (::swapoff(path) != 0) { return system_error("swapoff", path); }
    return {};
}

Result<> NativeKernel::detach_loop(const char* device) noexcept {
    const UniqueFd loop(::open(device, O_RDONLY | O_CLOEXEC));
    if (!loop) { return system_error("open", device); }
    if (::ioctl(loop.get(), LOOP_CLR_FD, 0) != 0) { return system_error("detach", device); }
    return {};
}

void NativeKernel::fill_standard_descriptors() noexcept {
    for (const int standard : {0, 1, 2}) {
        const int flags = ::fcntl(standard, F_GETFL);
        if (flags >= 0 && (flags & O_PATH) == 0) { continue; }
        // open(2) takes the lowest free number. Before /dev is mounted a directory keeps the place.
        int fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
        if (fd < 0) { fd = ::open("/", O_PATH | O_CLOEXEC); }
        if (fd == standard) {
            ::fcntl(standard, F_SETFD, 0);
        } else if (fd >= 0) {
            ::dup2(fd, standard);
            ::close(fd);
        }
    }
}

Result<> NativeKernel::open_console() noexcept {
    const UniqueFd console(::open("/dev/console", O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!console) { return system_error("open", "/dev/console"); }
    for (const int standard : {0, 1, 2}) {
        if (::dup2(console.get(), standard) < 0) { return system_error("dup2", "/dev/console"); }
    }
    return {};
}

} // namespace vb::sys
