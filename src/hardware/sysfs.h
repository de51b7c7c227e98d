// Reading and writing the small files in which Linux describes its devices. What is there is named in the order of its
// numbers, and a file that one may not open is said to be so.
#pragma once

#include "base/error.h"
#include "base/unique_fd.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vb::hardware {

using base::Result;

// Where the kernel shows its devices; tests have trees of their own.
struct Roots {
    std::string sys = "/sys";
    std::string dev = "/dev";
};

// O_CLOEXEC is added to `flags`. Where permissions are what is missing, the error says whose.
Result<base::UniqueFd> open_file(const std::string& path, int flags);

// Without the newline at its end.
Result<std::string> read_attribute(const std::string& path);
// "0x11e8", "17".
Result<std::uint64_t> read_number(const std::string& path);
Result<> write_attribute(const std::string& path, std::string_view text);

bool exists(const std::string& path);
// The names in it, uio2 before uio10; none where there is no such directory.
std::vector<std::string> names_in(const std::string& directory);
// The last part of what the link points to; empty: there is no such link.
std::string link_target_name(const std::string& path);

// Digits of that base, all of `text`, with or without the 0x of base 16.
std::optional<std::uint64_t> parse_digits(std::string_view text, int base);

// "one, two, three", or `otherwise` where there are none; what is more than an error should hold is cut.
std::string join(const std::vector<std::string>& names, std::string_view otherwise);

} // namespace vb::hardware
