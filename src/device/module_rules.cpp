#include "device/module_rules.h"

#include "device/alias.h"
#include "device/file_view.h"

#include <algorithm>
#include <dirent.h>
#include <memory>

namespace vb::device {

namespace {

struct CloseDirectory {
    void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};

// The names of the *.conf files that `seen` does not have yet.
void list_directory(const char* path, std::vector<std::string>& seen,
                    std::vector<std::string>& paths) noexcept {
    const std::unique_ptr<DIR, CloseDirectory> directory(::opendir(path));
    if (!directory) { return; } // most machines lack most of them
    while (const dirent* const entry = ::readdir(directory.get())) {
        const std::string_view name = entry->d_name;
        if (!name.ends_with(".conf") || std::ranges::contains(seen, name)) { continue; }
        seen.emplace_back(name);
        paths.push_back(std::string(path) + "/" + std::string(name));
    }
}

std::string_view file_name(std::string_view path) noexcept { return path.substr(path.rfind('/') + 1); }

bool is_module_name(std::string_view text) noexcept {
    return !text.empty() && std::ranges::all_of(text, [](char character) {
        return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
               (character >= '0' && character <= '9') || character == '_' || character == '-';
    });
}

} // namespace

bool ModuleRules::has(Kind kind, std::string_view subject) const noexcept {
    return std::ranges::any_of(
        rules_, [&](const Rule& rule) { return rule.kind == kind && rule.subject == subject; });
}

bool ModuleRules::is_blacklisted(std::string_view module) const noexcept {
    return has(Kind::blacklist, module);
}

bool ModuleRules::is_replaced(std::string_view module) const noexcept { return has(Kind::install, module); }

std::string ModuleRules::parameters_of(std::string_view module) const noexcept {
    std::string all;
    for (const Rule& rule : rules_) {
        if (rule.kind != Kind::options || rule.subject != module) { continue; }
        if (!all.empty()) { all += ' '; }
        all += rule.rest;
    }
    return all;
}

std::vector<std::string_view> ModuleRules::neighbours_of(std::string_view module,
                                                         bool before) const noexcept {
    std::vector<std::string_view> all;
    for (const Rule& rule : rules_) {
        if (rule.kind != Kind::softdep || rule.subject != module) { continue; }
        std::string_view rest = rule.rest;
        bool wanted = false; // words before the first "pre:" or "post:" mean nothing
        for (std::string_view word = take_word(rest); !word.empty(); word = take_word(rest)) {
            if (word == "pre:" || word == "post:") {
                wanted = (word == "pre:") == before;
            } else if (wanted) {
                all.push_back(word);
            }
        }
    }
    return all;
}

bool ModuleRules::resolve(std::string_view alias, std::vector<std::string>& modules) const noexcept {
    bool found = false;
    for (const Rule& rule : rules_) {
        if (rule.kind != Kind::alias || !matches(rule.subject, alias)) { continue; }
        found = true;
        if (rule.rest != "off" && !std::ranges::contains(modules, rule.rest)) {
            modules.push_back(rule.rest);
        }
    }
    return found;
}

void ModuleRules::add_line(std::string_view line) noexcept {
    const std::string_view command = take_word(line);
    const std::string_view subject = take_word(line);
    std::string_view rest = line;
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    if (subject.empty()) { return; }
    if (command == "blacklist") {
        rules_.push_back({Kind::blacklist, with_underscores(subject), {}});
    } else if (command == "install") {
        rules_.push_back({Kind::install, with_underscores(subject), {}});
    } else if (command == "options") {
        rules_.push_back({Kind::options, with_underscores(subject), std::string(rest)});
    } else if (command == "softdep") {
        rules_.push_back({Kind::softdep, with_underscores(subject), std::string(rest)});
    } else if (command == "alias") {
        rules_.push_back({Kind::alias, std::string(subject), with_underscores(take_word(rest))});
    }
}

void ModuleRules::add_file(std::string_view text) noexcept {
    std::string joined; // a backslash at its end joins a line with the next one
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const bool goes_on = line.ends_with('\\') && !text.empty();
        if (goes_on) { line.remove_suffix(1); }
        joined += line;
        if (goes_on) { continue; }
        std::string_view rest = joined;
        if (std::string_view content; take_line(rest, content)) { add_line(content); }
        joined.clear();
    }
}

void ModuleRules::add_word(std::string_view word) noexcept {
    constexpr std::string_view blacklist = "modprobe.blacklist=";
    if (word.starts_with(blacklist)) {
        word.remove_prefix(blacklist.size());
        while (!word.empty()) {
            const std::string_view name = word.substr(0, word.find(','));
            rules_.push_back({Kind::blacklist, with_underscores(name), {}});
            word.remove_prefix(std::min(name.size() + 1, word.size()));
        }
        return;
    }
    // MODULE.PARAMETER=VALUE, as the kernel itself reads it for what is built in.
    const std::size_t dot = word.find('.');
    if (dot > word.find('=') || dot == std::string_view::npos || !is_module_name(word.substr(0, dot))) {
        return;
    }
    rules_.push_back(
        {Kind::options, with_underscores(word.substr(0, dot)), std::string(word.substr(dot + 1))});
}

void ModuleRules::add_command_line(std::string_view text) noexcept {
    bool quoted = false;
    std::size_t begin = 0;
    for (std::size_t index = 0; index <= text.size(); ++index) {
        const char character = index == text.size() ? '\n' : text[index];
        if (character == '"') { quoted = !quoted; }
        const bool ends = character == '\n' || (!quoted && (character == ' ' || character == '\t'));
        if (!ends) { continue; }
        const std::string_view word = text.substr(begin, index - begin);
        if (word == "--") { return; } // what follows is for init
        add_word(word);
        begin = index + 1;
    }
}

void ModuleRules::add_directories(std::span<const char* const> directories, const base::Log& log) noexcept {
    std::vector<std::string> seen;
    std::vector<std::string> paths;
    for (const char* const directory : directories) {
        list_directory(directory, seen, paths);
    }
    std::ranges::sort(paths, {}, file_name);
    for (const std::string& path : paths) {
        const auto file = FileView::open(path.c_str());
        if (file) {
            add_file(file->text());
        } else {
            log.warning(base::describe(file.error()));
        }
    }
}

} // namespace vb::device
