// Which modules there are: depmod's modules.dep, modules.builtin and modules.alias. Views into their texts, which
// outlive it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vb::device {

// "kernel/drivers/net/e1000-e.ko.xz" -> "e1000_e"
std::string module_name(std::string_view path) noexcept;

class ModuleIndex {
  public:
    struct Entry {
        std::string name;
        std::string_view path;         // below the directory of the kernel's modules
        std::string_view dependencies; // paths; each one's own dependencies come after it
    };

    ModuleIndex() noexcept = default;
    ModuleIndex(std::string_view dependencies, std::string_view builtin) noexcept;

    const Entry* find(std::string_view name) const noexcept; // null: there is no such file
    bool is_builtin(std::string_view name) const noexcept;

  private:
    std::vector<Entry> entries_; // sorted by name
    std::string_view builtin_;
};

// The modules that `modules_alias` has for any of the sorted `aliases`, in its order, each once.
void find_modules(std::string_view modules_alias, std::span<const std::string> aliases,
                  std::vector<std::string>& modules) noexcept;

} // namespace vb::device
