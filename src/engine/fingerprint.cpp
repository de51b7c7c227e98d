#include "engine/fingerprint.h"

#include "base/unique_fd.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <xxhash.h>

#include <algorithm>
#include <span>
#include <vector>

namespace vb::engine {
namespace {

constexpr std::uint64_t sampled_pages = 64;
constexpr std::size_t page = 4096;
constexpr std::size_t chunk = std::size_t{256} << 10;

// Adds [offset, offset + length) of the file, or what there is of it.
bool add_range(XXH3_state_t& state, int fd, std::uint64_t offset, std::uint64_t length,
               std::span<char> buffer) {
    while (length > 0) {
        const std::size_t wanted = std::min<std::uint64_t>(length, buffer.size());
        const ssize_t got = ::pread(fd, buffer.data(), wanted, static_cast<off_t>(offset));
        if (got <= 0) { return got == 0; }
        XXH3_128bits_update(&state, buffer.data(), static_cast<std::size_t>(got));
        offset += static_cast<std::uint64_t>(got);
        length -= static_cast<std::uint64_t>(got);
    }
    return true;
}

} // namespace

base::Result<Fingerprint> fingerprint(const std::string& model, std::uint64_t header_bytes,
                                      std::string_view settings) {
    const base::UniqueFd fd(::open(model.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat status{};
    if (!fd || ::fstat(fd.get(), &status) != 0) { return base::system_error("read", model); }
    XXH3_state_t state;
    XXH3_128bits_reset(&state);
    const std::int64_t numbers[] = {status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
    XXH3_128bits_update(&state, numbers, sizeof numbers);
    XXH3_128bits_update(&state, settings.data(), settings.size());

    std::vector<char> buffer(chunk);
    bool read = add_range(state, fd.get(), 0, header_bytes, buffer);
    const std::uint64_t size = static_cast<std::uint64_t>(status.st_size);
    const std::uint64_t data = size - std::min(size, header_bytes);
    for (std::uint64_t index = 0; read && index < sampled_pages; ++index) {
        read = add_range(state, fd.get(), header_bytes + data / sampled_pages * index, page, buffer);
    }
    if (!read) { return base::system_error("read", model); }
    XXH128_canonical_t canonical{};
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state));
    return std::to_array(canonical.digest);
}

} // namespace vb::engine
