#include "device/module_loader.h"

#include "base/unique_fd.h"
#include "device/alias.h"

#include <algorithm>
#include <fcntl.h>
#include <ranges>
#include <sys/utsname.h>
#include <unistd.h>

namespace vb::device {

namespace {

// Softdep lines may be written in a circle or a long chain; drivers need two or three.
constexpr unsigned int deepest = 16;

std::string directory_of_this_kernel(const char* releases) noexcept {
    utsname names{};
    ::uname(&names);
    return std::string(releases) + "/" + names.release;
}

// What depmod did not write is empty: only modules.dep must be there.
FileView open_or_empty(const std::string& path) noexcept {
    auto file = FileView::open(path.c_str());
    return file ? std::move(*file) : FileView();
}

std::string read_command_line(const char* path) noexcept {
    const base::UniqueFd file(::open(path, O_RDONLY | O_CLOEXEC));
    std::string text(4096, '\0');
    const ssize_t size = ::read(file.get(), text.data(), text.size());
    text.resize(static_cast<std::size_t>(std::max(size, ssize_t{0})));
    return text;
}

} // namespace

bool ModuleLoader::open() noexcept {
    directory_ = directory_of_this_kernel(options_.releases);
    auto dependencies = FileView::open((directory_ + "/modules.dep").c_str());
    if (!dependencies) {
        log_.debug(base::describe(dependencies.error()));
        return false;
    }
    dependencies_file_ = std::move(*dependencies);
    builtin_file_ = open_or_empty(directory_ + "/modules.builtin");
    aliases_file_ = open_or_empty(directory_ + "/modules.alias");
    index_ = ModuleIndex(dependencies_file_.text(), builtin_file_.text());
    rules_.add_directories(options_.rules, log_);
    rules_.add_command_line(read_command_line(options_.command_line));
    rules_.add_file(open_or_empty(directory_ + "/modules.softdep").text());
    return true;
}

void ModuleLoader::resolve(std::span<const std::string> aliases,
                           std::vector<std::string>& modules) const noexcept {
    std::vector<std::string> unresolved;
    for (const std::string& alias : aliases) {
        if (!rules_.resolve(alias, modules)) { unresolved.push_back(alias); }
    }
    find_modules(aliases_file_.text(), unresolved, modules);
}

bool ModuleLoader::load_for(std::span<const std::string> aliases) noexcept {
    std::vector<std::string> modules;
    resolve(aliases, modules);
    for (const std::string& module : modules) {
        if (rules_.is_blacklisted(module)) {
            log_.debug("module ", std::string_view(module), " is blacklisted");
            continue;
        }
        has_failed_ = !load(module, 0) || has_failed_;
    }
    return !modules.empty();
}

void ModuleLoader::load_named(std::string_view name) noexcept {
    const std::string spelled = with_underscores(name);
    if (index_.find(spelled) != nullptr || index_.is_builtin(spelled)) {
        has_failed_ = !load(spelled, 0) || has_failed_;
        return;
    }
    const bool is_name = name.find(':') == std::string_view::npos; // aliases begin with the name of a bus
    if (!load_for({&spelled, 1}) && is_name) {
        log_.warning("module ", name, " is not in ", std::string_view(directory_));
        has_failed_ = true;
    }
}

bool ModuleLoader::is_loaded(const std::string& module) const noexcept {
    // What is built in has a directory there too, but no initstate.
    return ::access((std::string(options_.loaded) + "/" + module + "/initstate").c_str(), F_OK) == 0;
}

void ModuleLoader::load_neighbours(const std::string& module, bool before, unsigned int depth) noexcept {
    for (const std::string_view word : rules_.neighbours_of(module, before)) {
        const std::string spelled = with_underscores(word);
        std::vector<std::string> modules;
        if (index_.find(spelled) != nullptr) {
            modules.push_back(spelled);
        } else {
            resolve({&spelled, 1}, modules);
        }
        for (const std::string& neighbour : modules) {
            (void)load(neighbour, depth + 1); // "soft": the module itself is wanted even so
        }
    }
}

bool ModuleLoader::load_dependencies(const ModuleIndex::Entry& entry, unsigned int depth) noexcept {
    std::vector<std::string> names;
    std::string_view rest = entry.dependencies;
    for (std::string_view path = take_word(rest); !path.empty(); path = take_word(rest)) {
        names.push_back(module_name(path));
    }
    return std::ranges::all_of(std::views::reverse(names),
                               [&](const std::string& name) { return load(name, depth + 1); });
}

bool ModuleLoader::load(const std::string& name, unsigned int depth) noexcept {
    if (depth > deepest) { return true; }
    const auto before = std::ranges::find(attempts_, name, &Attempt::name);
    if (before != attempts_.end()) { return before->good; }
    const std::size_t index = attempts_.size();
    attempts_.push_back({.name = name});
    return attempts_[index].good = attempt(name, depth);
}

bool ModuleLoader::attempt(const std::string& name, unsigned int depth) noexcept {
    if (is_loaded(name)) { return true; }
    const ModuleIndex::Entry* const entry = index_.find(name);
    if (entry == nullptr) {
        if (index_.is_builtin(name)) { return true; }
        log_.warning("module ", std::string_view(name), " is not in ", std::string_view(directory_));
        return false;
    }
    if (rules_.is_replaced(name)) {
        log_.info("module ", std::string_view(name), " is left out: modprobe.d has an install line for it");
        return true;
    }
    load_neighbours(name, true, depth);
    const bool loaded = load_dependencies(*entry, depth) && insert(*entry);
    if (loaded) { load_neighbours(name, false, depth); }
    return loaded;
}

bool ModuleLoader::insert(const ModuleIndex::Entry& entry) noexcept {
    const std::string path =
        entry.path.starts_with('/') ? std::string(entry.path) : directory_ + "/" + std::string(entry.path);
    const auto inserted = options_.insert(path.c_str(), rules_.parameters_of(entry.name).c_str());
    if (inserted) {
        log_.debug("loaded module ", std::string_view(entry.name));
        ++loaded_count_;
        return true;
    }
    if (inserted.error().number == EEXIST) { return true; }
    if (inserted.error().number == ENODEV) { // a driver that looks for its device by itself
        log_.debug(base::describe(inserted.error()));
        return true;
    }
    log_.warning(base::describe(inserted.error()));
    return false;
}

} // namespace vb::device
