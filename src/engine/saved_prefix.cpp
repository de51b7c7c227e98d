#include "engine/saved_prefix.h"

#include "base/unique_fd.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <xxhash.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace vb::engine {
namespace {

constexpr std::array<char, 8> magic = {'V', 'B', 'P', 'R', 'E', 'F', 'I', 'X'};
constexpr std::uint32_t version = 1;

// In the machine's own byte order: the file never leaves the machine. Tokens and state follow.
struct Header {
    std::array<char, 8> magic;
    std::uint32_t version;
    std::uint32_t token_count;
    std::uint64_t state_bytes;
    Fingerprint fingerprint;
    std::uint64_t checksum; // XXH3, 64 bits, of the whole file with zero here
};
static_assert(sizeof(Header) == 48);

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

std::vector<std::byte> encode_prefix(const SavedPrefix& prefix, const Fingerprint& fingerprint) {
    Header header{.magic = magic,
                  .version = version,
                  .token_count = static_cast<std::uint32_t>(prefix.tokens.size()),
                  .state_bytes = prefix.state.size(),
                  .fingerprint = fingerprint,
                  .checksum = 0};
    const auto tokens = std::as_bytes(std::span(prefix.tokens));
    std::vector<std::byte> file(sizeof header + tokens.size() + prefix.state.size());
    const auto body = std::span(file).subspan(sizeof header);
    std::ranges::copy(tokens, body.begin());
    std::ranges::copy(std::as_bytes(std::span(prefix.state)), body.subspan(tokens.size()).begin());
    header.checksum = checksum_of(header, body);
    std::memcpy(file.data(), &header, sizeof header);
    return file;
}

std::expected<SavedPrefix, base::Text<255>> decode_prefix(std::span<const std::byte> file,
                                                          const Fingerprint& fingerprint) {
    Header header{};
    if (file.size() < sizeof header) { return refuse("its size", file.size(), sizeof header); }
    std::memcpy(&header, file.data(), sizeof header);
    if (header.magic != magic) { return refuse("not a saved prefix"); }
    if (header.version != version) { return refuse("its version", header.version, version); }
    if (header.fingerprint != fingerprint) { return refuse("made for another model, library or setting"); }
    const auto body = file.subspan(sizeof header);
    const std::uint64_t token_bytes = std::uint64_t{header.token_count} * sizeof(std::int32_t);
    if (header.state_bytes > body.size() || body.size() - header.state_bytes != token_bytes) {
        return refuse("its size disagrees with the counts in its header");
    }
    if (header.checksum != checksum_of(header, body)) { return refuse("its checksum is wrong"); }
    SavedPrefix prefix;
    prefix.tokens.resize(header.token_count);
    std::ranges::copy(body.first(token_bytes), std::as_writable_bytes(std::span(prefix.tokens)).begin());
    prefix.state.resize(header.state_bytes);
    std::ranges::copy(body.subspan(token_bytes), std::as_writable_bytes(std::span(prefix.state)).begin());
    return prefix;
}

PrefixFile::PrefixFile(const std::string& directory, std::string_view model_name,
                       const Fingerprint& fingerprint)
    : directory_(directory), path_(directory + "/" + std::string(model_name) + ".prefix"),
      fingerprint_(fingerprint) {}

base::Result<std::optional<SavedPrefix>> PrefixFile::load() const {
    const base::UniqueFd fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!fd && errno == ENOENT) { return std::nullopt; }
    struct stat status{};
    if (!fd || ::fstat(fd.get(), &status) != 0) { return base::system_error("read", path_); }
    if (!is_private(status)) {
        return base::failure("read", path_, "expected a file of this user or root that no other may write");
    }
    const auto bytes = read_all(fd.get(), static_cast<std::size_t>(status.st_size), path_);
    if (!bytes) { return std::unexpected(bytes.error()); }
    auto prefix = decode_prefix(*bytes, fingerprint_);
    if (!prefix) { return base::failure("read", path_, prefix.error()); }
    return *std::move(prefix);
}

base::Result<> PrefixFile::save(const SavedPrefix& prefix) const {
    if (::mkdir(directory_.c_str(), 0755) != 0 && errno != EEXIST) {
        return base::system_error("make the directory", directory_);
    }
    const std::string unfinished = path_ + ".new";
    {
        constexpr int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW;
        const base::UniqueFd fd(::open(unfinished.c_str(), flags, 0644));
        if (!fd) { return base::system_error("write", unfinished); }
        // Not synced to the disk: a file that a power cut tore does not have its checksum.
        if (auto written = write_all(fd.get(), encode_prefix(prefix, fingerprint_), unfinished); !written) {
            ::unlink(unfinished.c_str());
            return written;
        }
    }
    if (::rename(unfinished.c_str(), path_.c_str()) != 0) { return base::system_error("replace", path_); }
    return {};
}

} // namespace vb::engine
