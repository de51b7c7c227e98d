#include "hardware/sysfs.h"

#include <algorithm>
#include <charconv>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <unistd.h>

namespace vb::hardware {

namespace {

constexpr std::size_t most_bytes = 65536; // sysfs gives a page

// Digits compare as the number that they are.
bool is_before(const std::string& one, const std::string& other) {
    const std::size_t from_one = one.find_first_of("0123456789");
    const std::size_t from_other = other.find_first_of("0123456789");
    if (one.substr(0, from_one) != other.substr(0, from_other) || one.size() == other.size()) {
        return one < other;
    }
    return one.size() < other.size();
}

} // namespace

Result<base::UniqueFd> open_file(const std::string& path, int flags) {
    base::UniqueFd file(::open(path.c_str(), flags | O_CLOEXEC | O_NOCTTY));
    if (file) { return file; }
    auto error = base::system_error("open", path);
    if (error.error().number == EACCES || error.error().number == EPERM) {
        error.error().detail << "user " << ::geteuid() << " may not "
                             << ((flags & O_ACCMODE) == O_RDONLY ? "read it" : "write to it");
    }
    return error;
}

Result<std::string> read_attribute(const std::string& path) {
    const auto file = open_file(path, O_RDONLY);
    if (!file) { return std::unexpected(file.error()); }
    std::string text;
    while (text.size() < most_bytes) {
        char buffer[4096];
        const ssize_t count = ::read(file->get(), buffer, sizeof buffer);
        if (count < 0) { return base::system_error("read", path); }
        if (count == 0) { break; }
        text.append(buffer, static_cast<std::size_t>(count));
    }
    if (text.ends_with('\n')) { text.pop_back(); }
    return text;
}

Result<std::uint64_t> read_number(const std::string& path) {
    const auto text = read_attribute(path);
    if (!text) { return std::unexpected(text.error()); }
    const auto number = parse_digits(*text, text->starts_with("0x") ? 16 : 10);
    if (!number) { return base::failure("read", path, "\"" + *text + "\" is no number"); }
    return *number;
}

Result<> write_attribute(const std::string& path, std::string_view text) {
    const auto file = open_file(path, O_WRONLY);
    if (!file) { return std::unexpected(file.error()); }
    // One write(2): to sysfs each is a command of its own.
    if (::write(file->get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
        return base::system_error("write to", path);
    }
    return {};
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

std::vector<std::string> names_in(const std::string& directory) {
    std::vector<std::string> names;
    const auto close = [](DIR* opened) { ::closedir(opened); };
    const std::unique_ptr<DIR, decltype(close)> opened(::opendir(directory.c_str()), close);
    if (!opened) { return names; }
    while (const dirent* const entry = ::readdir(opened.get())) {
        const std::string_view name = entry->d_name;
        if (!name.starts_with('.')) { names.emplace_back(name); }
    }
    std::ranges::sort(names, is_before);
    return names;
}

std::string link_target_name(const std::string& path) {
    char target[4096];
    const ssize_t size = ::readlink(path.c_str(), target, sizeof target);
    if (size <= 0) { return {}; }
    const std::string_view text(target, static_cast<std::size_t>(size));
    return std::string(text.substr(text.rfind('/') + 1));
}

std::optional<std::uint64_t> parse_digits(std::string_view text, int base) {
    if (base == 16 && text.starts_with("0x")) { text.remove_prefix(2); }
    std::uint64_t number = 0;
    const char* const end = std::to_address(text.end());
    const auto [stop, fault] = std::from_chars(std::to_address(text.begin()), end, number, base);
    if (fault != std::errc{} || stop != end) { return std::nullopt; }
    return number;
}

std::string join(const std::vector<std::string>& names, std::string_view otherwise) {
    constexpr std::size_t most = 8;
    if (names.empty()) { return std::string(otherwise); }
    std::string text;
    for (std::size_t count = 0; count < std::min(names.size(), most); ++count) {
        if (count > 0) { text += ", "; }
        text += names[count];
    }
    if (names.size() > most) { text += " and " + std::to_string(names.size() - most) + " more"; }
    return text;
}

} // namespace vb::hardware
