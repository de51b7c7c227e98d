// The environment of the runtime: PID 1's own, less what was meant for PID 1, plus what it promises its
// child. Views into the process's environ and into itself; allocates only when it is constructed.
#pragma once

#include "base/text.h"

#include <vector>

namespace vb::init {

// For programs whose starter has none to pass on.
inline constexpr std::string_view standard_path =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

class Environment {
  public:
    // Takes over `inherited` (a NULL-terminated envp); with `supervised` without what our own supervisor says to us,
    // because the child hears that from us.
    Environment(char** inherited, bool supervised) noexcept;
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;

    // Sets NAME=value unless it is set already; false if there is no room.
    bool set_default(std::string_view name, std::string_view value) noexcept;
    bool set(std::string_view name, std::string_view value) noexcept;
    // Sets what `variable` ("NAME=value") says; it outlives the object.
    void put(const char* variable) noexcept;
    // Sets NAME= and returns where the child writes its pid (sd_listen_fds(3) compares LISTEN_PID with it).
    char* set_process_id(std::string_view name) noexcept;

    char* const* variables() const noexcept { return variables_.data(); }

  private:
    static constexpr std::size_t most_added = 16;
    static constexpr std::size_t variable_size = 192;

    void drop(std::string_view name) noexcept;

    bool has(std::string_view name) const noexcept;
    char* add(std::string_view name, std::string_view value) noexcept;

    std::vector<char*> variables_; // ends with a null pointer
    char added_[most_added][variable_size] = {};
    std::size_t added_count_ = 0;
};

} // namespace vb::init
