// Any bytes as what a service writes: the lines are plain, bounded and not empty, and the same in whatever
// pieces the bytes arrive.
#include "journal/lines.h"
#include "journal/plain_text.h"

#include <cstdlib>
#include <string>
#include <vector>

namespace {

using namespace vb::journal;

struct Got {
    Level level;
    std::string text;
    bool cut;
    bool operator==(const Got&) const = default;
};

void take(const Line& line, std::vector<Got>& got) {
    if (!is_plain(line.text) || line.text.size() > most_text_bytes || line.text.empty() ||
        line.level > Level::debug) {
        std::abort();
    }
    got.push_back({line.level, std::string(line.text), line.cut});
}

std::vector<Got> split(std::string_view stream, std::size_t piece) {
    Lines lines;
    std::vector<Got> got;
    while (!stream.empty()) {
        std::string_view input = stream.substr(0, piece);
        stream.remove_prefix(input.size());
        while (const auto line = lines.next(input)) {
            take(*line, got);
        }
        if (!input.empty()) { std::abort(); }
    }
    while (const auto line = lines.flush()) {
        take(*line, got);
    }
    return got;
}

} // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) { return 0; }
    const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
    if (split(stream, stream.size() + 1) != split(stream, data[0] * std::size_t{5} + 1)) { std::abort(); }
    return 0;
}
