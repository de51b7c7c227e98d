#include "vbctl/status_table.h"

#include <algorithm>
#include <array>
#include <format>
#include <span>

namespace vb::vbctl {

namespace {

constexpr std::string_view place_names[] = {"machine", "container", "process"};
constexpr std::string_view state_names[] = {"starting", "ready", "degraded", "stopping"};
constexpr std::string_view unit_state_names[] = {"waiting",    "starting", "ready", "stopping",
                                                 "restarting", "stopped",  "failed"};

template <class Enum>
std::string name_in(std::span<const std::string_view> names, Enum value) {
    return std::string(names[static_cast<std::size_t>(value)]);
}

enum class Colour : unsigned char { none, good, bad, moving };

std::string_view escape_of(Colour colour) {
    switch (colour) {
    case Colour::none:
        return "";
    case Colour::good:
        return "\x1b[32m";
    case Colour::bad:
        return "\x1b[31m";
    case Colour::moving:
        return "\x1b[33m";
    }
    return "";
}

std::string coloured(std::string_view text, Colour colour, bool colours) {
    if (!colours || colour == Colour::none) { return std::string(text); }
    return std::format("{}{}\x1b[0m", escape_of(colour), text);
}

Colour colour_of(control::UnitState state) {
    switch (state) {
    case control::UnitState::ready:
        return Colour::good;
    case control::UnitState::failed:
        return Colour::bad;
    case control::UnitState::stopped:
        return Colour::none;
    default:
        return Colour::moving;
    }
}

Colour colour_of(control::State state) {
    return state == control::State::ready      ? Colour::good
           : state == control::State::degraded ? Colour::bad
                                               : Colour::moving;
}

constexpr std::size_t columns = 8;
constexpr std::size_t state_column = 1;
constexpr std::array<bool, columns> is_number = {false, false, true, false, true, true, false, false};
using Row = std::array<std::string, columns>;

std::string or_dash(std::string_view text) { return text.empty() ? "-" : std::string(text); }

Row row_of(const control::Unit& unit, base::Nanoseconds uptime) {
    return {std::string(unit.name.view()),
            name_in(unit_state_names, unit.state),
            unit.process ? std::to_string(*unit.process) : "-",
            describe_duration(std::max(uptime - unit.since, base::Nanoseconds{})),
            std::to_string(unit.restarts),
            unit.memory ? describe_size(*unit.memory) : "-",
            or_dash(unit.last_exit),
            or_dash(unit.status)};
}

std::string line_of(const Row& row, const std::array<std::size_t, columns>& widths, Colour state,
                    bool colours) {
    std::string line;
    for (std::size_t column = 0; column < columns; ++column) {
        const std::string& cell = row[column];
        const bool is_last = column + 1 == columns;
        const std::string blank(is_last ? 0 : widths[column] - std::min(widths[column], cell.size()), ' ');
        const std::string shown = column == state_column ? coloured(cell, state, colours) : cell;
        line += is_number[column] ? blank + shown : shown + blank;
        line += is_last ? "\n" : "  ";
    }
    return line;
}

std::string headline(const control::Overview& overview, bool colours) {
    std::string line = std::format(
        "vector_boot {} as {}: {}, up {}", overview.version.view(),
        overview.place == control::Place::process ? "a process"
                                                  : "PID 1 of a " + name_in(place_names, overview.place),
        coloured(name_in(state_names, overview.state), colour_of(overview.state), colours),
        describe_duration(overview.uptime));
    if (overview.boot_time) { line += ", ready after " + describe_duration(*overview.boot_time); }
    return line + "\n";
}

// "runtime: user 65520, no capabilities, no_new_privs, seccomp, Landlock ABI 7"
std::string confinement_line(const control::Unit& unit) {
    const control::Confinement& found = *unit.confinement;
    std::string line = std::format("{}: user {}, ", unit.name.view(), found.user);
    line +=
        found.capabilities == 0 ? "no capabilities" : std::format("capabilities {:#x}", found.capabilities);
    line += found.no_new_privileges ? ", no_new_privs" : ", without no_new_privs";
    line += found.seccomp ? ", seccomp" : ", without seccomp";
    line += found.landlock_abi.value_or(0) == 0 ? ", without Landlock"
                                                : std::format(", Landlock ABI {}", *found.landlock_abi);
    return line + "\n";
}

} // namespace

std::string describe_duration(base::Nanoseconds time) {
    const auto milliseconds = time.count() / 1'000'000;
    const auto seconds = milliseconds / 1000;
    const auto minutes = seconds / 60;
    const auto hours = minutes / 60;
    const auto days = hours / 24;
    if (milliseconds < 1000) { return std::format("{} ms", milliseconds); }
    if (seconds < 60) { return std::format("{} s", seconds); }
    if (minutes < 60) { return std::format("{} min {} s", minutes, seconds % 60); }
    if (hours < 24) { return std::format("{} h {} min", hours, minutes % 60); }
    return std::format("{} d {} h", days, hours % 24);
}

std::string describe_size(std::uint64_t bytes) {
    constexpr std::array units = {"KiB", "MiB", "GiB", "TiB"};
    if (bytes < 1024) { return std::format("{} B", bytes); }
    double size = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    while (size >= 1023.5 && unit + 1 < units.size()) {
        size /= 1024;
        ++unit;
    }
    return size < 9.95 ? std::format("{:.1f} {}", size, units[unit])
                       : std::format("{:.0f} {}", size, units[unit]);
}

std::string status_table(const control::Report& report, bool colours) {
    const Row header = {"UNIT", "STATE", "PID", "SINCE", "RESTARTS", "MEMORY", "LAST EXIT", "STATUS"};
    std::vector<Row> rows;
    rows.reserve(report.units.size());
    for (const control::Unit& unit : report.units) {
        rows.push_back(row_of(unit, report.overview.uptime));
    }
    std::array<std::size_t, columns> widths{};
    for (std::size_t column = 0; column < columns; ++column) {
        widths[column] = header[column].size();
        for (const Row& row : rows) {
            widths[column] = std::max(widths[column], row[column].size());
        }
    }
    std::string table = headline(report.overview, colours);
    if (rows.empty()) { return table; }
    table += "\n" + line_of(header, widths, Colour::none, colours);
    for (std::size_t index = 0; index < rows.size(); ++index) {
        table += line_of(rows[index], widths, colour_of(report.units[index].state), colours);
    }
    for (const control::Unit& unit : report.units) {
        if (unit.confinement) { table += "\n" + confinement_line(unit); }
    }
    return table;
}

std::string change_line(const control::Unit& unit, bool colours) {
    const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(unit.since).count();
    std::string line =
        std::format("[{:5}.{:03}] {}: {}", milliseconds / 1000, milliseconds % 1000, unit.name.view(),
                    coloured(name_in(unit_state_names, unit.state), colour_of(unit.state), colours));
    if (unit.process) { line += std::format(", pid {}", *unit.process); }
    if (unit.restarts > 0) {
        line += std::format(", {} restart{}", unit.restarts, unit.restarts == 1 ? "" : "s");
    }
    if (!unit.last_exit.empty() && !unit.process) { line += std::format(", {}", unit.last_exit.view()); }
    if (!unit.status.empty()) { line += std::format(", \"{}\"", unit.status.view()); }
    return line + "\n";
}

} // namespace vb::vbctl
