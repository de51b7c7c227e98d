// What may be asked of PID 1 from outside, as typed calls without a word of JSON: PID 1 implements Commands, and
// control::Server calls it. Every method returns at once: what takes time is begun, and its course is told by
// Server::publish(). Everything is a value of bounded size, so that nobody's lifetime matters to anybody.
#pragma once

#include "base/clock.h"
#include "base/log.h"

#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>
#include <sys/types.h>

namespace vb::control {

inline constexpr char socket_path[] = "/run/vector_boot/control.sock";

enum class Place : std::uint8_t { machine, container, process };

// degraded: a unit has failed for good.
enum class State : std::uint8_t { starting, ready, degraded, stopping };

enum class UnitKind : std::uint8_t { runtime, command, service };

enum class UnitState : std::uint8_t {
    waiting,    // for those it comes after
    starting,   // it runs, and has not said that it is ready
    ready,      // a oneshot: it has done what it is for
    stopping,   // it was asked to end
    restarting, // it died and will be started again
    stopped,    // it ended, or was ended, and that is as it should be
    failed,     // given up
};

// What a process is confined to.
struct Confinement {
    uid_t user = 0;
    std::uint64_t capabilities = 0; // a bit for each that it has
    bool no_new_privileges = false;
    bool seccomp = false;
    std::optional<std::uint32_t> landlock_abi; // 0: the kernel has no Landlock; absent: it has not said yet
};

struct Unit {
    base::Text<63> name;
    UnitKind kind = UnitKind::service;
    UnitState state = UnitState::waiting;
    std::optional<pid_t> process;
    std::uint32_t restarts = 0;
    base::Nanoseconds since{};              // when it came into this state, counted from the start of PID 1
    base::Text<255> status;                 // what it last said of itself; empty: nothing
    base::Text<127> last_exit;              // how its last process ended; empty: none has
    std::optional<std::uint64_t> memory;    // bytes
    std::optional<Confinement> confinement; // of the runtime, while it runs
};

struct Overview {
    base::Text<31> version;
    Place place = Place::process;
    State state = State::starting;
    base::Nanoseconds uptime{};                 // since the start of PID 1
    std::optional<base::Nanoseconds> boot_time; // from there to the first time that everything was ready
};

// The names of units, as many as fit; what does not fit is left out.
class UnitNames {
  public:
    void add(std::string_view name) noexcept {
        if (names_.size() + name.size() < capacity) { names_ << name << std::string_view("\0", 1); }
    }
    // Calls `visit` with each name in the order of add().
    template <class Visit>
    void for_each(Visit visit) const noexcept {
        std::string_view rest = names_;
        while (!rest.empty()) {
            const std::size_t end = rest.find('\0');
            visit(rest.substr(0, end));
            rest.remove_prefix(end + 1);
        }
    }

  private:
    static constexpr std::size_t capacity = 4095;
    base::Text<capacity> names_;
};

enum class Ending : std::uint8_t { power_off, reboot, halt };

struct Refusal {
    enum class Reason : std::uint8_t { no_such_unit, failed };
    Reason reason = Reason::failed;
    base::Text<511> text; // failed: why, for a person
};

using Answer = std::expected<void, Refusal>;

class Commands {
  public:
    virtual Overview overview() noexcept = 0;
    virtual std::size_t unit_count() noexcept = 0;
    virtual Unit unit(std::size_t index) noexcept = 0; // index < unit_count()

    virtual Answer start(std::string_view unit) noexcept = 0;
    virtual Answer stop(std::string_view unit) noexcept = 0;
    virtual Answer restart(std::string_view unit) noexcept = 0;
    virtual Answer reload(UnitNames& changed) noexcept = 0;
    virtual Answer end(Ending ending) noexcept = 0;
    virtual Answer set_log_level(base::Level level) noexcept = 0;

  protected:
    ~Commands() = default;
};

} // namespace vb::control
