#include "vbctl/point_in_time.h"

#include "base/text.h"

#include <ctime>
#include <string>

namespace vb::vbctl {

namespace {

using std::chrono::seconds;

std::optional<base::Nanoseconds> parse_ago(std::string_view text, base::Nanoseconds now) {
    constexpr struct {
        char letter;
        std::int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    std::uint32_t count = 0;
    if (text.empty() || !base::parse_number(text.substr(0, text.size() - 1), count)) { return std::nullopt; }
    for (const auto& unit : units) {
        if (text.back() == unit.letter) { return now - seconds(count * unit.seconds); }
    }
    return std::nullopt;
}

std::optional<base::Nanoseconds> parse_local(const std::string& text, base::Nanoseconds now) {
    const std::time_t today = std::chrono::duration_cast<seconds>(now).count();
    for (const char* const format : {"%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S",
                                     "%Y-%m-%dT%H:%M", "%Y-%m-%d", "%H:%M:%S", "%H:%M"}) {
        std::tm time{};
        ::localtime_r(&today, &time);
        time.tm_hour = time.tm_min = time.tm_sec = 0;
        time.tm_isdst = -1; // for mktime(3) to find out
        const char* const end = ::strptime(text.c_str(), format, &time);
        if (end != nullptr && *end == '\0') { return seconds(std::mktime(&time)); }
    }
    return std::nullopt;
}

} // namespace

std::optional<base::Nanoseconds> parse_point_in_time(std::string_view text, base::Nanoseconds now) {
    std::uint32_t since_1970 = 0;
    if (text.starts_with('@') && base::parse_number(text.substr(1), since_1970)) {
        return seconds(since_1970);
    }
    if (const auto ago = parse_ago(text, now)) { return ago; }
    return parse_local(std::string(text), now);
}

} // namespace vb::vbctl
