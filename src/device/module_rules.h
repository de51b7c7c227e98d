// What the administrator says about modules: the files of modprobe.d(5) and words of the kernel command line.
// An `install` line runs a command instead of loading the module; we run no commands, so it keeps the module out,
// which is what such lines are for nearly always.
#pragma once

#include "base/log.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vb::device {

// Earlier ones win: a file hides files of the same name in those after it.
inline constexpr const char* rule_directories[] = {"/etc/modprobe.d", "/run/modprobe.d",
                                                   "/usr/local/lib/modprobe.d", "/usr/lib/modprobe.d",
                                                   "/lib/modprobe.d"};

class ModuleRules {
  public:
    // Names of modules are asked for as with_underscores() spells them.
    bool is_blacklisted(std::string_view module) const noexcept;
    bool is_replaced(std::string_view module) const noexcept; // by an `install` line
    std::string parameters_of(std::string_view module) const noexcept;
    // Modules or aliases to be loaded before (or else after) the module.
    std::vector<std::string_view> neighbours_of(std::string_view module, bool before) const noexcept;
    // The modules of our own `alias` lines for it. True if there was one: then modules.alias is not asked.
    bool resolve(std::string_view alias, std::vector<std::string>& modules) const noexcept;

    void add_file(std::string_view text) noexcept;
    void add_command_line(std::string_view text) noexcept;
    void add_directories(std::span<const char* const> directories, const base::Log& log) noexcept;

  private:
    enum class Kind : unsigned char { blacklist, install, options, softdep, alias };
    struct Rule {
        Kind kind;
        std::string subject; // the module, or the pattern of an alias
        std::string rest;
    };

    bool has(Kind kind, std::string_view subject) const noexcept;
    void add_line(std::string_view line) noexcept;
    void add_word(std::string_view word) noexcept;

    std::vector<Rule> rules_;
};

} // namespace vb::device
