// Any bytes as what depmod and administrators write: modules.alias, modules.dep, modprobe.d, the words of the kernel's
// command line. The first line is the alias that is looked for; matching agrees with fnmatch(3).
#include "device/alias.h"
#include "device/file_view.h"
#include "device/module_index.h"
#include "device/module_rules.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fnmatch.h>

namespace {

using namespace vb::device;

// Where the two differ on purpose ('-'), or fnmatch knows more (classes in brackets).
bool is_comparable(std::string_view pattern) {
    return pattern.find_first_of("-_") == std::string_view::npos &&
           pattern.find("[:") == std::string_view::npos && pattern.find("[=") == std::string_view::npos &&
           pattern.find("[.") == std::string_view::npos;
}

void check_pattern(std::string_view pattern, const std::string& alias) {
    const bool matched = matches(pattern, alias);
    if (!is_comparable(pattern) || !is_comparable(alias)) { return; }
    // fnmatch takes other bytes for parts of characters.
    const bool is_ascii = std::ranges::all_of(pattern, [](char c) { return c > ' ' && c < '\x7f'; });
    if (!is_ascii) { return; }
    if (std::ranges::count(pattern, '*') > 6) { return; } // fnmatch would take for ever
    if (matched != (::fnmatch(std::string(pattern).c_str(), alias.c_str(), 0) == 0)) { std::abort(); }
}

} // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::string_view first = text.substr(0, text.find('\n'));
    const std::string alias = with_underscores(is_alias(first) ? first : "pci:v00008086d0000100E");
    const std::string aliases[] = {"", alias, alias + "x"};

    std::vector<std::string> modules;
    find_modules(text, aliases, modules);
    std::vector<std::string> slowly;
    std::string_view rest = text;
    std::string_view line;
    while (take_line(rest, line)) {
        if (take_word(line) != "alias") { continue; }
        const std::string_view pattern = take_word(line);
        const std::string module = with_underscores(take_word(line));
        if (module.empty()) { continue; }
        check_pattern(pattern, alias);
        const bool found =
            std::ranges::any_of(aliases, [pattern](const std::string& one) { return matches(pattern, one); });
        if (found && !std::ranges::contains(slowly, module)) { slowly.push_back(module); }
    }
    if (modules != slowly) { std::abort(); }

    const ModuleIndex index(text, text);
    const std::string name = module_name(first);
    if (const ModuleIndex::Entry* const entry = index.find(name); entry != nullptr && entry->name != name) {
        std::abort();
    }
    (void)index.is_builtin(name);
    ModuleRules rules;
    rules.add_file(text);
    rules.add_command_line(text);
    (void)rules.resolve(alias, modules);
    (void)rules.is_blacklisted(name);
    (void)rules.is_replaced(name);
    (void)rules.parameters_of(name);
    (void)rules.neighbours_of(name, true);
    return 0;
}
