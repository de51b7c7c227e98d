// The schema of what goes over the socket, once for both ends: io.vectorboot.Control.varlink as structs for glaze.
// Only the .cpp files of this folder include it. `String` is a view where it is written and std::string where it is
// read.
#pragma once

#include "control/commands.h"

#include <glaze/core/common.hpp>

template <>
struct glz::meta<vb::control::Place> {
    using enum vb::control::Place;
    static constexpr auto value = enumerate(machine, container, process);
};
template <>
struct glz::meta<vb::control::State> {
    using enum vb::control::State;
    static constexpr auto value = enumerate(starting, ready, degraded, stopping);
};
template <>
struct glz::meta<vb::control::UnitKind> {
    using enum vb::control::UnitKind;
    static constexpr auto value = enumerate(runtime, command, service);
};
template <>
struct glz::meta<vb::control::UnitState> {
    using enum vb::control::UnitState;
    static constexpr auto value = enumerate(waiting, starting, ready, stopping, restarting, stopped, failed);
};

namespace vb::control::wire {

struct Confinement {
    std::int64_t user{};
    std::int64_t capabilities{};
    bool no_new_privileges{};
    bool seccomp{};
    std::optional<std::int64_t> landlock_abi{};
};

template <class String>
struct Unit {
    String name{};
    UnitKind kind{};
    UnitState state{};
    std::optional<std::int64_t> pid{};
    std::int64_t restarts{};
    std::int64_t since_ms{};
    std::optional<String> status{};
    std::optional<String> last_exit{};
    std::optional<std::int64_t> memory_bytes{};
    std::optional<Confinement> confinement{};
};

template <class String, class Units>
struct Status {
    String version{};
    Place place{};
    State state{};
    std::int64_t uptime_ms{};
    std::optional<std::int64_t> boot_ms{};
    Units units{};
};

template <class String>
struct Event {
    Unit<String> unit{};
};

template <class Names>
struct Changes {
    Names changed{};
};

// What an error says: each has at most one of these.
template <class String>
struct ErrorParameters {
    std::optional<String> method{}, parameter{}, interface{}, unit{}, text{};
};

} // namespace vb::control::wire
