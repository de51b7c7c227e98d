#include "engine/gguf_check.h"

#include "base/unique_fd.h"
#include "engine/gguf_metadata.h"
#include "engine/gguf_reader.h"
#include "engine/gguf_tensors.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

namespace vb::engine {
namespace {

constexpr std::uint64_t smallest_pair = 8 + 1 + 4 + 1;           // key of one character, type, one byte
constexpr std::uint64_t smallest_tensor = 8 + 1 + 4 + 8 + 4 + 8; // name of one character, one dimension
// Far above every real file.
constexpr std::uint64_t most_pairs = 10'000;
constexpr std::uint64_t most_tensors = 100'000;

bool read_count(GgufReader& reader, std::string_view field, std::uint64_t most, std::uint64_t smallest_record,
                std::uint64_t& count) {
    const std::uint64_t at = reader.offset();
    if (!reader.read(field, count)) { return false; }
    if (count == 0) { return reader.refuse(at, field, "0", "at least 1"); }
    if (count > most) {
        return reader.refuse(at, field, std::to_string(count), "at most " + std::to_string(most));
    }
    const std::uint64_t fits = reader.remaining() / smallest_record;
    if (count <= fits) { return true; }
    return reader.refuse(at, field, std::to_string(count),
                         "at most " + std::to_string(fits) + ", which is what fits in the file");
}

bool check_version(GgufReader& reader, std::uint32_t& version) {
    std::uint32_t magic = 0;
    if (!reader.read("magic", magic)) { return false; }
    if (std::memcmp(&magic, GGUF_MAGIC, sizeof magic) != 0) {
        return reader.refuse(0, "magic", "not that of a GGUF file", "the four characters \"GGUF\"");
    }
    if (!reader.read("version", version)) { return false; }
    if (version == 2 || version == 3) { return true; }
    const bool swapped = version != 0 && (version & 0xFFFFU) == 0;
    return reader.refuse(4, "version", std::to_string(version) + (swapped ? " (of a big-endian file)" : ""),
                         "2 or 3, little-endian");
}

bool check_header(GgufReader& reader, std::uint64_t file_size, GgufSummary& summary) {
    std::uint64_t pairs = 0;
    if (!check_version(reader, summary.version) ||
        !read_count(reader, "tensor count", most_tensors, smallest_tensor, summary.tensor_count) ||
        !read_count(reader, "key count", most_pairs, smallest_pair, pairs)) {
        return false;
    }
    GgufMetadata metadata;
    if (!metadata.read(reader, pairs)) { return false; }
    GgufTensors tensors(reader, summary.tensor_count, metadata.alignment());
    if (!tensors.check(file_size)) { return false; }
    summary.header_bytes = tensors.data_begin();
    summary.data_bytes = tensors.data_bytes();
    return metadata.check(reader, summary);
}

// A read-only view of a whole file, from which only what is read comes into memory.
class Mapping {
  public:
    Mapping(int fd, std::size_t size)
        : size_(size), address_(mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0)) {}
    ~Mapping() {
        if (*this) { munmap(address_, size_); }
    }
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    explicit operator bool() const { return address_ != MAP_FAILED; }
    std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(address_), size_}; }

  private:
    std::size_t size_;
    void* address_;
};

std::unexpected<Error> missing(const std::string& path, int number) {
    return std::unexpected(Error{Fault::model_missing, path + ": " + std::strerror(number)});
}

} // namespace

Result<GgufSummary> check_gguf(std::span<const std::byte> header, std::uint64_t file_size,
                               std::string_view path) {
    GgufReader reader(header);
    GgufSummary summary;
    if (check_header(reader, file_size, summary)) { return summary; }
    return std::unexpected(Error{Fault::model_malformed, std::string(path) + ": " + reader.refusal()});
}

Result<GgufSummary> check_gguf_file(const std::string& path) {
    const base::UniqueFd fd(
        open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)); // not to wait for a FIFO's writer
    if (!fd) { return missing(path, errno); }
    struct stat status{};
    if (fstat(fd.get(), &status) != 0) { return missing(path, errno); }
    if (!S_ISREG(status.st_mode)) {
        return std::unexpected(Error{Fault::model_missing, path + ": not a regular file"});
    }
    const auto size = static_cast<std::size_t>(status.st_size);
    if (size == 0) { return check_gguf({}, 0, path); }
    const Mapping mapping(fd.get(), size);
    if (!mapping) { return missing(path, errno); }
    return check_gguf(mapping.bytes(), size, path);
}

} // namespace vb::engine
