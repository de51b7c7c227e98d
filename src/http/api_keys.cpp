#include "http/api_keys.h"

#include <algorithm>
#include <fcntl.h>
#include <filesystem>
#include <format>
#include <sys/inotify.h>
#include <unistd.h>
#include <utility>

namespace vb::http {

namespace {

constexpr std::size_t largest_file = std::size_t{1} << 20;

base::Result<std::string> read_file(const std::string& path) {
    const base::UniqueFd file(
        ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)); // whatever it is, do not wait
    if (!file) { return base::system_error("open", path); }
    std::string text;
    char bytes[4096];
    for (ssize_t got = 0; (got = ::read(file.get(), bytes, sizeof bytes)) != 0;) {
        if (got < 0) { return base::system_error("read", path); }
        text.append(bytes, static_cast<std::size_t>(got));
        if (text.size() > largest_file) { return base::failure("read", path, "it is larger than 1 MiB"); }
    }
    return text;
}

base::Result<std::vector<ApiKeys::Key>> read_keys(const std::string& path) {
    return read_file(path).and_then([&path](const std::string& text) { return ApiKeys::parse(text, path); });
}

ApiKeys::Key key_of(std::string_view text) noexcept {
    ApiKeys::Key key{};
    std::ranges::copy(text, key.begin());
    return key;
}

// Takes the same time wherever the two differ.
bool is_same(const ApiKeys::Key& one, const ApiKeys::Key& other) noexcept {
    unsigned int difference = 0;
    for (std::size_t index = 0; index < one.size(); ++index) {
        difference |= static_cast<unsigned char>(one[index] ^ other[index]);
        asm volatile("" : "+r"(difference)); // or the compiler might see that it could stop here
    }
    return difference == 0;
}

} // namespace

base::Result<std::vector<ApiKeys::Key>> ApiKeys::parse(std::string_view text, std::string_view path) {
    std::vector<Key> keys;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::string_view line = base::trimmed(base::take_until(text, '\n'));
        if (line.empty() || line.starts_with('#')) { continue; }
        const bool is_plain =
            std::ranges::all_of(line, [](char letter) { return letter > ' ' && letter < '\x7F'; });
        if (!is_plain || line.size() > longest) {
            return base::failure(
                "read the keys of", path,
                std::format("line {}: a key is up to {} ASCII characters without space", number, longest));
        }
        keys.push_back(key_of(line));
    }
    if (keys.empty()) { return base::failure("read the keys of", path, "there is none in it"); }
    return keys;
}

base::Result<std::unique_ptr<ApiKeys>> ApiKeys::open(EventLoop& loop, const std::string& path,
                                                     const base::Log& log) {
    // Watched before it is read: no change is missed.
    base::UniqueFd changes(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!changes) { return base::system_error("watch", path); }
    const std::string parent = std::filesystem::path(path).parent_path();
    const std::string folder = parent.empty() ? "." : parent;
    if (::inotify_add_watch(changes.get(), folder.c_str(), IN_CLOSE_WRITE | IN_MOVED_TO) < 0) {
        return base::system_error("watch", folder);
    }
    auto keys = read_keys(path);
    if (!keys) { return std::unexpected(keys.error()); }
    return std::unique_ptr<ApiKeys>(new ApiKeys(loop, path, log, std::move(*keys), std::move(changes)));
}

ApiKeys::ApiKeys(EventLoop& loop, std::string path, const base::Log& log, std::vector<Key> keys,
                 base::UniqueFd changes)
    : path_(std::move(path)), log_(log), keys_(std::move(keys)), changes_(std::move(changes)),
      watch_(loop, changes_.get(), [this] { changed(); }) {}

// Whatever happens in the directory: the file may be a link, whose target is what was replaced.
void ApiKeys::changed() {
    alignas(inotify_event) char events[4096];
    while (::read(changes_.get(), events, sizeof events) > 0) {}
    auto keys = read_keys(path_);
    if (!keys) {
        log_.warning(base::describe(keys.error()), "; the keys stay as they were");
        return;
    }
    if (*keys == keys_) { return; }
    keys_ = std::move(*keys);
    log_.info("read ", keys_.size(), " keys from ", path_);
}

std::optional<std::size_t> ApiKeys::find(std::string_view key) const noexcept {
    if (key.empty() || key.size() > longest) { return std::nullopt; }
    const Key shown = key_of(key);
    std::optional<std::size_t> found;
    for (std::size_t index = 0; index < keys_.size(); ++index) {
        if (is_same(shown, keys_[index])) { found = index + 1; } // and on: all of them are compared
    }
    return found;
}

} // namespace vb::http
