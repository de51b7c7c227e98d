#include "init/passed_socket.h"

#include "base/text.h"

namespace vb::init {

namespace {

constexpr int first_descriptor = 3; // SD_LISTEN_FDS_START

std::string_view value_of(char* const* environment, std::string_view name) noexcept {
    for (; *environment != nullptr; ++environment) {
        const std::string_view variable = *environment;
        if (variable.starts_with(name) && variable.substr(name.size()).starts_with('=')) {
            return variable.substr(name.size() + 1);
        }
    }
    return {};
}

// 0 where no descriptor has the name.
int index_of(std::string_view names, std::string_view wanted) noexcept {
    for (int index = 0; !names.empty(); ++index) {
        if (base::take_until(names, ':') == wanted) { return index; }
    }
    return 0;
}

} // namespace

std::optional<int> find_passed_socket(char* const* environment, pid_t own_process_id) noexcept {
    pid_t process = 0;
    int count = 0;
    if (!base::parse_number(value_of(environment, "LISTEN_PID"), process) || process != own_process_id ||
        !base::parse_number(value_of(environment, "LISTEN_FDS"), count)) {
        return std::nullopt;
    }
    const int index = index_of(value_of(environment, "LISTEN_FDNAMES"), "http");
    return index < count ? std::optional(first_descriptor + index) : std::nullopt;
}

} // namespace vb::init
