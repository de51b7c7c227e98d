// Any bytes as config.toml: read whole, it gives a configuration that may be used, or a fault that names a
// line; read leniently, as on a machine, what is left may be used. Rules reach the runtime as they are.
#include "config/rule_json.h"
#include "config/schema.h"
#include "config/toml.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vb::config;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    Config config;
    const auto read = read_toml(text, "c.toml", config);
    const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
    if (!read && (read.error().line == 0 || read.error().line > lines)) { std::abort(); }
    Config lenient;
    int faults = 0;
    read_toml_leniently(std::string(text), "c.toml", lenient,
                        [&faults](const vb::base::Error&) { ++faults; });
    if (read.has_value() != (faults == 0)) { std::abort(); }
    for (const Config& usable : {config, lenient}) {
        if (find_invalid(usable)) { std::abort(); }
        for (const Rule& rule : usable.on) {
            const auto there = read_rule(json_of(rule));
            if (!there || *there != rule) { std::abort(); }
        }
    }
    return 0;
}
