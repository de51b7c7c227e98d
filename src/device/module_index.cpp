#include "device/module_index.h"

#include "device/alias.h"
#include "device/file_view.h"

#include <algorithm>

namespace vb::device {

std::string module_name(std::string_view path) noexcept {
    std::string_view name = path.substr(path.rfind('/') + 1);
    const std::size_t extension = name.rfind(".ko");
    return with_underscores(name.substr(0, extension));
}

ModuleIndex::ModuleIndex(std::string_view dependencies, std::string_view builtin) noexcept
    : builtin_(builtin) {
    std::string_view line;
    while (take_line(dependencies, line)) {
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos) { continue; }
        const std::string_view path = line.substr(0, colon);
        entries_.push_back({.name = module_name(path), .path = path, .dependencies = line.substr(colon + 1)});
    }
    std::ranges::stable_sort(entries_, {}, &Entry::name);
}

const ModuleIndex::Entry* ModuleIndex::find(std::string_view name) const noexcept {
    const auto found = std::ranges::lower_bound(entries_, name, {}, &Entry::name);
    return found != entries_.end() && found->name == name ? &*found : nullptr;
}

bool ModuleIndex::is_builtin(std::string_view name) const noexcept {
    std::string_view rest = builtin_;
    std::string_view line;
    while (take_line(rest, line)) {
        if (module_name(take_word(line)) == name) { return true; }
    }
    return false;
}

void find_modules(std::string_view modules_alias, std::span<const std::string> aliases,
                  std::vector<std::string>& modules) noexcept {
    std::string_view line;
    while (take_line(modules_alias, line)) {
        if (take_word(line) != "alias") { continue; }
        const std::string_view pattern = take_word(line);
        const std::string_view module = take_word(line);
        if (module.empty()) { continue; }
        // Most of tens of thousands of patterns differ from all aliases in their literal beginning.
        char spelled[longest_alias];
        const std::string_view literal = literal_prefix(pattern);
        if (literal.size() > sizeof spelled) { continue; }
        std::ranges::replace_copy(literal, spelled, '-', '_');
        const std::string_view prefix(spelled, literal.size());
        for (auto alias = std::ranges::lower_bound(aliases, prefix);
             alias != aliases.end() && alias->starts_with(prefix); ++alias) {
            if (!matches(pattern, *alias)) { continue; }
            std::string name = with_underscores(module);
            if (!std::ranges::contains(modules, name)) { modules.push_back(std::move(name)); }
            break;
        }
    }
}

} // namespace vb::device
