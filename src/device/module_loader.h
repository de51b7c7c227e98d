// Finds the files for aliases and names of modules, and loads them after what they depend on. One of it serves one
// call from outside: it remembers what it has seen.
#pragma once

#include "base/log.h"
#include "device/file_view.h"
#include "device/module_index.h"
#include "device/modules.h"

namespace vb::device {

class ModuleLoader {
  public:
    ModuleLoader(const ModuleOptions& options, const base::Log& log) noexcept
        : options_(options), log_(log) {}

    // Reads what depmod wrote and what the administrator did. False: this kernel has no modules here.
    bool open() noexcept;
    // `aliases` as with_underscores() spells them, sorted.
    // Returns whether any module answers to one of them.
    bool load_for(std::span<const std::string> aliases) noexcept;
    void load_named(std::string_view name) noexcept;

    std::size_t loaded_count() const noexcept { return loaded_count_; }
    bool has_failed() const noexcept { return has_failed_; }

  private:
    struct Attempt {
        std::string name;
        bool good = true; // until it has failed: what depends on itself is not in its own way
    };

    void resolve(std::span<const std::string> aliases, std::vector<std::string>& modules) const noexcept;
    bool load(const std::string& name, unsigned int depth) noexcept;
    bool attempt(const std::string& name, unsigned int depth) noexcept;
    void load_neighbours(const std::string& module, bool before, unsigned int depth) noexcept;
    bool load_dependencies(const ModuleIndex::Entry& entry, unsigned int depth) noexcept;
    bool insert(const ModuleIndex::Entry& entry) noexcept;
    bool is_loaded(const std::string& module) const noexcept;

    const ModuleOptions& options_;
    const base::Log& log_;
    std::string directory_;
    FileView dependencies_file_;
    FileView builtin_file_;
    FileView aliases_file_;
    ModuleIndex index_;
    ModuleRules rules_;
    std::vector<Attempt> attempts_;
    std::size_t loaded_count_ = 0;
    bool has_failed_ = false;
};

} // namespace vb::device
