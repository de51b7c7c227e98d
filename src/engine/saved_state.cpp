#include "engine/saved_state.h"

#include "base/unique_fd.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <xxhash.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace vb::engine {
namespace {

constexpr std::array<char, 8> magic = {'V', 'B', 'S', 'T', 'A', 'T', 'E', '\0'};
constexpr std::uint32_t version = 2;

// In the machine's own byte order: the file never leaves the machine. Tokens, state and text follow.
struct Header {
    std::array<char, 8> magic;
    std::uint32_t version;
    std::uint32_t token_count;
    std::uint64_t state_bytes;
    std::uint64_t text_bytes;
    Fingerprint fingerprint;
    std::uint64_t checksum; // XXH3, 64 bits, of the whole file with zero here
};
static_assert(sizeof(Header) == 56);

std::uint64_t checksum_of(Header header, std::span<const std::byte> body) {
    header.checksum = 0;
    return XXH3_64bits_withSeed(body.data(), body.size(), XXH3_64bits(&header, sizeof header));
}

std::unexpected<base::Text<255>> refuse(const char* field, std::uint64_t found, std::uint64_t expected) {
    base::Text<255> reason;
    reason << field << " is " << found << ", expected " << expected;
    return std::unexpected(reason);
}
std::unexpected<base::Text<255>> refuse(const char* reason) {
    return std::unexpected(base::Text<255>(reason));
}

base::Result<std::vector<std::byte>> read_all(int fd, std::size_t size, const std::string& path) {
    std::vector<std::byte> bytes(size);
    for (std::size_t done = 0; done < size;) {
        const ssize_t got = ::read(fd, bytes.data() + done, size - done);
        if (got < 0) { return base::system_error("read", path); }
        if (got == 0) { return base::failure("read", path, "it became shorter meanwhile"); }
        done += static_cast<std::size_t>(got);
    }
    return bytes;
}

base::Result<> write_all(int fd, std::span<const std::byte> bytes, const std::string& path) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0) { return base::system_error("write", path); }
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return {};
}

// libllama trusts a state, so nobody else may have had a hand in it.
bool is_private(const struct stat& status) {
    return S_ISREG(status.st_mode) && (status.st_uid == ::geteuid() || status.st_uid == 0) &&
           (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

} // namespace

std::vector<std::byte> encode_state(const SavedState& saved, const Fingerprint& fingerprint) {
    Header header{.magic = magic,
                  .version = version,
                  .token_count = static_cast<std::uint32_t>(saved.tokens.size()),
                  .state_bytes = saved.state.size(),
                  .text_bytes = saved.text.size(),
                  .fingerprint = fingerprint,
                  .checksum = 0};
    const std::span<const std::byte> parts[] = {std::as_bytes(std::span(saved.tokens)),
                                                std::as_bytes(std::span(saved.state)),
                                                std::as_bytes(std::span(saved.text))};
    std::vector<std::byte> file(sizeof header);
    for (const auto part : parts) {
        file.insert(file.end(), part.begin(), part.end());
    }
    header.checksum = checksum_of(header, std::span(file).subspan(sizeof header));
    std::memcpy(file.data(), &header, sizeof header);
    return file;
}

std::expected<SavedState, base::Text<255>> decode_state(std::span<const std::byte> file,
                                                        const Fingerprint& fingerprint) {
    Header header{};
    if (file.size() < sizeof header) { return refuse("its size", file.size(), sizeof header); }
    std::memcpy(&header, file.data(), sizeof header);
    if (header.magic != magic) { return refuse("not a saved state"); }
    if (header.version != version) { return refuse("its version", header.version, version); }
    if (header.fingerprint != fingerprint) { return refuse("made for another model file, library or CPU"); }
    auto body = file.subspan(sizeof header);
    const std::uint64_t token_bytes = std::uint64_t{header.token_count} * sizeof(std::int32_t);
    if (token_bytes > body.size() || header.state_bytes > body.size() - token_bytes ||
        header.text_bytes != body.size() - token_bytes - header.state_bytes) {
        return refuse("its size disagrees with the counts in its header");
    }
    if (header.checksum != checksum_of(header, body)) { return refuse("its checksum is wrong"); }
    SavedState saved;
    const auto take = [&body](auto& part, std::uint64_t count) {
        part.resize(count);
        const auto bytes = std::as_writable_bytes(std::span(part));
        std::ranges::copy(body.first(bytes.size()), bytes.begin());
        body = body.subspan(bytes.size());
    };
    take(saved.tokens, header.token_count);
    take(saved.state, header.state_bytes);
    take(saved.text, header.text_bytes);
    return saved;
}

base::Result<std::optional<SavedState>> StateFile::load() const {
    const base::UniqueFd fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!fd && errno == ENOENT) { return std::nullopt; }
    struct stat status{};
    if (!fd || ::fstat(fd.get(), &status) != 0) { return base::system_error("read", path_); }
    if (!is_private(status)) {
        return base::failure("read", path_, "expected a file of this user or root that no other may write");
    }
    const auto bytes = read_all(fd.get(), static_cast<std::size_t>(status.st_size), path_);
    if (!bytes) { return std::unexpected(bytes.error()); }
    auto saved = decode_state(*bytes, fingerprint_);
    if (!saved) { return base::failure("read", path_, saved.error()); }
    return *std::move(saved);
}

base::Result<> StateFile::save(const SavedState& saved) const {
    const mode_t mode = saved.text.empty() ? 0644 : 0600; // a conversation is nobody else's business
    const std::string unfinished = path_ + ".new";
    {
        constexpr int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW;
        const base::UniqueFd fd(::open(unfinished.c_str(), flags, mode));
        if (!fd) { return base::system_error("write", unfinished); }
        // Not synced to the disk: a file that a power cut tore does not have its checksum.
        if (auto written = write_all(fd.get(), encode_state(saved, fingerprint_), unfinished); !written) {
            ::unlink(unfinished.c_str());
            return written;
        }
    }
    if (::rename(unfinished.c_str(), path_.c_str()) != 0) { return base::system_error("replace", path_); }
    return {};
}

} // namespace vb::engine
