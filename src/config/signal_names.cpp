#include "config/signal_names.h"

#include "base/text.h"

#include <csignal>
#include <cstring>

namespace vb::config {

int parse_signal(std::string_view text) noexcept {
    int number = 0;
    if (base::parse_number(text, number)) { return 0 < number && number <= SIGRTMAX ? number : 0; }
    if (text.starts_with("SIG")) { text.remove_prefix(3); }
    for (number = 1; number < SIGRTMIN; ++number) {
        const char* const name = sigabbrev_np(number);
        if (name != nullptr && text == name) { return number; }
    }
    constexpr std::string_view real_time = "RTMIN";
    if (!text.starts_with(real_time)) { return 0; }
    text.remove_prefix(real_time.size());
    if (text.empty()) { return SIGRTMIN; }
    if (!text.starts_with('+') || !base::parse_number(text.substr(1), number)) { return 0; }
    return 0 <= number && number <= SIGRTMAX - SIGRTMIN ? SIGRTMIN + number : 0;
}

} // namespace vb::config
