#include "engine/memory.h"

#include "base/text.h"
#include "base/unique_fd.h"
#include "engine/control_group.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <limits>
#include <span>
#include <sstream>
#include <vector>

namespace vb::engine {
namespace {

constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();

std::uint64_t number_or(std::string_view text, std::uint64_t otherwise) {
    std::uint64_t number = 0;
    return base::parse_number(text, number) ? number : otherwise;
}

// Of lines such as "MemAvailable:   1234 kB" and "inactive_file 1234".
std::uint64_t value_of(const std::string& path, std::string_view name, std::uint64_t otherwise) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::string key;
        std::string value;
        words >> key >> value;
        if (key == name) { return number_or(value, otherwise); }
    }
    return otherwise;
}

// Up to the limit of a group; what of its memory are pages of files can be given back.
std::uint64_t left_in(const ControlGroup& group, std::string_view limit_file) {
    const std::string path = group.directory + '/';
    const std::uint64_t limit = number_or(first_line(path + std::string(limit_file)), unlimited); // or "max"
    const std::uint64_t used =
        number_or(first_line(path + (group.is_version_2 ? "memory.current" : "memory.usage_in_bytes")), 0);
    // Version 1 says that there is none by a number of the size of the address space.
    if (limit >= unlimited / 4) { return unlimited; }
    const std::string prefix = group.is_version_2 ? "" : "total_";
    std::uint64_t reclaimable = 0;
    for (const char* name : {"inactive_file", "active_file"}) {
        reclaimable += value_of(path + "memory.stat", prefix + name, 0);
    }
    const std::uint64_t kept = used - std::min(used, reclaimable);
    return limit - std::min(limit, kept);
}

std::string in_mebibytes(std::uint64_t bytes) {
    constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;
    return std::to_string((bytes + mebibyte - 1) / mebibyte) + " MiB";
}

} // namespace

MemoryNeed memory_need(const GgufSummary& summary, const Options& options) {
    // Bounds what a header can claim; no model comes near.
    constexpr std::uint64_t most_of_a_kind = std::uint64_t{1} << 48;
    MemoryNeed need;
    need.weights = std::min(summary.data_bytes, most_of_a_kind);
    need.tokens = options.context;
    if (summary.context_length != 0) { need.tokens = std::min(need.tokens, summary.context_length); }
    std::uint64_t cells = need.tokens;
    // Which layers see through the window the header does not always say, so all count as if they did.
    if (summary.window != 0) { cells = std::min(cells, summary.window + options.batch); }
    need.cells = std::min(cells * std::min(summary.cell_bytes, most_of_a_kind / (cells + 1)), most_of_a_kind);
    // A few rows as wide as the model for each token of a batch, and the numbers for each token of the vocabulary.
    constexpr std::uint64_t most_for_computing = std::uint64_t{256} << 20;
    const std::uint64_t width = std::min(summary.width, most_for_computing) * 4;
    const std::uint64_t row = std::min(summary.token_count, most_for_computing) * sizeof(float);
    need.computing =
        std::min(std::min(options.batch, 512U) * width * sizeof(float) + row, most_for_computing);
    return need;
}

AvailableMemory available_memory(const std::string& root) {
    const std::uint64_t kibibytes = value_of(root + "/proc/meminfo", "MemAvailable:", unlimited);
    AvailableMemory available{.machine = kibibytes >= unlimited / 1024 ? unlimited : kibibytes * 1024,
                              .group = unlimited,
                              .group_limit = {}};
    for (const ControlGroup& group : control_groups(root, "memory")) {
        const char* const limit = group.is_version_2 ? "memory.max" : "memory.limit_in_bytes";
        const std::uint64_t left = left_in(group, limit);
        if (left >= available.group) { continue; }
        available.group = left;
        available.group_limit = std::string(limit) + " of the control group " + group.name;
    }
    return available;
}

std::uint64_t cached_bytes(const std::string& path) {
    const base::UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat status{};
    if (!fd || fstat(fd.get(), &status) != 0 || status.st_size <= 0) { return 0; }
    const auto size = static_cast<std::size_t>(status.st_size);
    void* const mapping = mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0);
    if (mapping == MAP_FAILED) { return 0; }
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    std::vector<unsigned char> pages((size + page - 1) / page);
    const bool known = mincore(mapping, size, pages.data()) == 0;
    munmap(mapping, size);
    if (!known) { return 0; }
    const auto there = std::ranges::count_if(pages, [](unsigned char one) { return (one & 1U) != 0; });
    return std::min(static_cast<std::uint64_t>(there) * page, std::uint64_t{size});
}

Result<> check_memory(const std::string& path, const MemoryNeed& need, const AvailableMemory& available,
                      std::uint64_t cached) {
    const auto refuse = [&](std::uint64_t bytes, const std::string& limit) {
        return std::unexpected(
            Error{Fault::resources,
                  path + ": needs about " + in_mebibytes(need.all()) + " of memory (weights " +
                      in_mebibytes(need.weights) + ", a context of " + std::to_string(need.tokens) +
                      " tokens " + in_mebibytes(need.cells) + ", computing " + in_mebibytes(need.computing) +
                      "), and there are " + in_mebibytes(bytes) + " (" + limit +
                      "): take a smaller context or a smaller model"});
    };
    if (need.all() > available.machine) { return refuse(available.machine, "MemAvailable of the machine"); }
    const std::uint64_t own = need.all() - std::min(need.weights, cached);
    if (own > available.group) { return refuse(available.group, available.group_limit); }
    return {};
}

} // namespace vb::engine
