// A machine with three units that does what it is told, instead of PID 1: for tests of the control interface.
#pragma once

#include "control/commands.h"

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

namespace vb::sample {

class SampleMachine final : public control::Commands {
  public:
    SampleMachine() {
        add("runtime", control::UnitKind::runtime, control::UnitState::ready);
        units[0].process = 41;
        units[0].since = std::chrono::milliseconds(129);
        units[0].status = "serving SmolLM2 on 127.0.0.1:8080";
        units[0].memory = std::uint64_t{300} << 20;
        units[0].confinement = control::Confinement{
            .user = 65520, .no_new_privileges = true, .seccomp = true, .landlock_abi = 7};
        add("sshd", control::UnitKind::service, control::UnitState::stopped);
        add("dhcp", control::UnitKind::service, control::UnitState::failed);
        units[2].restarts = 5;
        units[2].last_exit = "was killed by SIGSEGV";
        units[2].since = std::chrono::milliseconds(2500);
    }

    std::vector<control::Unit> units;
    std::vector<std::string> asked;
    std::function<void(const control::Unit&)> changed = [](const control::Unit&) {};
    std::function<base::Nanoseconds()> uptime = [] {
        return base::Nanoseconds(std::chrono::milliseconds(1500));
    };
    std::string refusal; // why everything that is asked for fails; empty: it does not

    void change(std::string_view name, control::UnitState state) {
        const auto unit = find(name);
        unit->state = state;
        unit->since = uptime();
        unit->process.reset();
        if (state == control::UnitState::ready) { unit->process = 100; }
        changed(*unit);
    }

    control::Overview overview() noexcept override {
        return {.version = "0.1.0",
                .place = control::Place::container,
                .state = control::State::degraded,
                .uptime = uptime(),
                .boot_time = std::chrono::milliseconds(129)};
    }
    std::size_t unit_count() noexcept override { return units.size(); }
    control::Unit unit(std::size_t index) noexcept override { return units[index]; }

    control::Answer start(std::string_view unit) noexcept override {
        return act("start", unit, {control::UnitState::starting, control::UnitState::ready});
    }
    control::Answer stop(std::string_view unit) noexcept override {
        return act("stop", unit, {control::UnitState::stopping, control::UnitState::stopped});
    }
    control::Answer restart(std::string_view unit) noexcept override {
        const auto answer = act("restart", unit, {control::UnitState::restarting, control::UnitState::ready});
        if (answer) { ++find(unit)->restarts; }
        return answer;
    }
    control::Answer reload(control::UnitNames& names) noexcept override {
        asked.emplace_back("reload");
        if (!refusal.empty()) { return refuse(); }
        for (const control::Unit& unit : units) {
            names.add(unit.name);
        }
        return {};
    }
    control::Answer end(control::Ending ending) noexcept override {
        asked.emplace_back(ending == control::Ending::power_off ? "power off"
                           : ending == control::Ending::reboot  ? "reboot"
                                                                : "halt");
        return refusal.empty() ? control::Answer() : refuse();
    }
    control::Answer set_log_level(base::Level level) noexcept override {
        asked.push_back("log level " + std::string(base::level_names[static_cast<std::size_t>(level)]));
        return refusal.empty() ? control::Answer() : refuse();
    }

  private:
    void add(std::string_view name, control::UnitKind kind, control::UnitState state) {
        control::Unit unit;
        unit.name = name;
        unit.kind = kind;
        unit.state = state;
        units.push_back(unit);
    }
    std::vector<control::Unit>::iterator find(std::string_view name) {
        return std::ranges::find_if(units, [name](const control::Unit& unit) { return unit.name == name; });
    }
    control::Answer refuse() const {
        return std::unexpected(
            control::Refusal{.reason = control::Refusal::Reason::failed, .text = std::string_view(refusal)});
    }
    control::Answer act(const std::string& what, std::string_view unit,
                        std::initializer_list<control::UnitState> states) {
        asked.push_back(what + " " + std::string(unit));
        if (find(unit) == units.end()) {
            return std::unexpected(
                control::Refusal{.reason = control::Refusal::Reason::no_such_unit, .text = {}});
        }
        if (!refusal.empty()) { return refuse(); }
        for (const control::UnitState state : states) {
            change(unit, state);
        }
        return {};
    }
};

} // namespace vb::sample
