#include "init/environment.h"

#include <algorithm>
#include <iterator>

namespace vb::init {

namespace {

constexpr std::string_view not_for_children[] = {
    "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES",
};

std::string_view name_of(std::string_view variable) noexcept {
    return variable.substr(0, variable.find('='));
}

} // namespace

Environment::Environment(char** inherited, bool supervised) noexcept {
    std::size_t count = 0;
    while (inherited[count] != nullptr) {
        ++count;
    }
    variables_.reserve(count + most_added + 1);
    std::ranges::copy_if(
        inherited, inherited + count, std::back_inserter(variables_), [supervised](char* variable) {
            return !supervised || !std::ranges::contains(not_for_children, name_of(variable));
        });
    variables_.push_back(nullptr);
}

bool Environment::has(std::string_view name) const noexcept {
    return std::ranges::any_of(variables_.begin(), variables_.end() - 1,
                               [name](const char* variable) { return name_of(variable) == name; });
}

char* Environment::add(std::string_view name, std::string_view value) noexcept {
    if (added_count_ == most_added || name.size() + value.size() + 2 > sizeof added_[0]) { return nullptr; }
    char* const variable = added_[added_count_++];
    char* end = std::ranges::copy(name, variable).out;
    *end++ = '=';
    *std::ranges::copy(value, end).out = '\0';
    variables_.back() = variable;
    variables_.push_back(nullptr);
    return end;
}

bool Environment::set(std::string_view name, std::string_view value) noexcept {
    std::erase_if(variables_,
                  [name](const char* variable) { return variable != nullptr && name_of(variable) == name; });
    return add(name, value) != nullptr;
}

bool Environment::set_default(std::string_view name, std::string_view value) noexcept {
    return has(name) || add(name, value) != nullptr;
}

char* Environment::set_process_id(std::string_view name) noexcept { return add(name, "0000000000"); }

} // namespace vb::init
