// The keys by which clients are known, from a file of one key a line, and read again when that changes. A file that cannot
// be used leaves the keys as they were. No key is ever logged, or found out by how long a comparison takes.
#pragma once

#include "base/error.h"
#include "base/log.h"
#include "base/unique_fd.h"
#include "http/event_loop.h"

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vb::http {

class ApiKeys {
  public:
    static constexpr std::size_t longest = 256;
    using Key = std::array<char, longest>; // filled up with NULs, which no key has

    // `loop` and `log` outlive it.
    static base::Result<std::unique_ptr<ApiKeys>> open(EventLoop& loop, const std::string& path,
                                                       const base::Log& log);

    // Which of the file's keys this is, counted from 1.
    std::optional<std::size_t> find(std::string_view key) const noexcept;

    // The keys of a file's text; empty lines and those that begin with # are none.
    static base::Result<std::vector<Key>> parse(std::string_view text, std::string_view path);

  private:
    ApiKeys(EventLoop& loop, std::string path, const base::Log& log, std::vector<Key> keys,
            base::UniqueFd changes);
    void changed();

    const std::string path_;
    const base::Log& log_;
    std::vector<Key> keys_;
    const base::UniqueFd
        changes_; // inotify, on the file's directory: whoever replaces the file makes another one
    ReadWatch watch_;
};

} // namespace vb::http
