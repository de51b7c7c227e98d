// config.toml to Config.
#pragma once

#include "base/error.h"
#include "config/config.h"

#include <string_view>

namespace vb::config {

struct TomlFault {
    std::size_t line; // from 1
    base::Error error;
};

// Reads `text` over what `config` holds. On a fault `config` is untouched, and the error names file and line,
// shows the line, and says what was expected:
//   read /etc/vector_boot/config.toml: line 3: `context = "big"`: expected context in [engine] to be
//   a whole number of tokens from 64 to 1048576
std::expected<void, TomlFault> read_toml(std::string_view text, std::string_view path, Config& config);

// Overwrites a line, counted from 1, with spaces; or the whole table, where that is useless without it: the line is its
// header, which stands for a key that is missing, or is in a rule, which must not act by half of what it says.
void leave_out(std::string& text, std::size_t line) noexcept;

// The same, but a faulty line is left out, with its fault given to `report`, and the rest is read: a machine
// has to come up with what is good in its file. After too many faults `config` stays as it was.
template <class Report>
void read_toml_leniently(std::string text, std::string_view path, Config& config, Report report) {
    constexpr int most_faults = 10;
    for (int faults = 0; faults < most_faults; ++faults) {
        const auto read = read_toml(text, path, config);
        if (read) { return; }
        report(read.error().error);
        leave_out(text, read.error().line);
    }
}

} // namespace vb::config
