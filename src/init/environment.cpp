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
    const auto is_same = [name](const char* variable) { return name_of(variable) == name; };
    char (*const used)[variable_size] = std::find_if(added_, added_ + added_count_, is_same);
    if (used == added_ + most_added || name.size() + value.size() + 2 > variable_size) { return nullptr; }
    if (used == added_ + added_count_) { ++added_count_; }
    char* const variable = *used;
    char* end = std::ranges::copy(name, variable).out;
    *end++ = '=';
    *std::ranges::copy(value, end).out = '\0';
    variables_.back() = variable;
    variables_.push_back(nullptr);
    return end;
}

void Environment::drop(std::string_view name) noexcept {
    std::erase_if(variables_,
                  [name](const char* variable) { return variable != nullptr && name_of(variable) == name; });
}

bool Environment::set(std::string_view name, std::string_view value) noexcept {
    drop(name);
    return add(name, value) != nullptr;
}

void Environment::put(const char* variable) noexcept {
    drop(name_of(variable));
    variables_.back() = const_cast<char*>(variable); // envp is not const, but nobody writes to it
    variables_.push_back(nullptr);
}

bool Environment::set_default(std::string_view name, std::string_view value) noexcept {
    return has(name) || add(name, value) != nullptr;
}

char* Environment::set_process_id(std::string_view name) noexcept {
    drop(name);
    return add(name, "0000000000");
}

} // namespace vb::init
