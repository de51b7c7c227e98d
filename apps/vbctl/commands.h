// The subcommands of vbctl. Each function adds its own to the command line; the one that is called for leaves in
// `chosen` what is to be done, which gives the exit status.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace vb::vbctl {

using Action = std::function<int()>;

void add_status(CLI::App& app, Action& chosen);
void add_watch(CLI::App& app, Action& chosen);
void add_units(CLI::App& app, Action& chosen); // start, stop, restart
void add_reload(CLI::App& app, Action& chosen);
void add_endings(CLI::App& app, Action& chosen); // poweroff, reboot, halt
void add_log_level(CLI::App& app, Action& chosen);
void add_logs(CLI::App& app, Action& chosen);
void add_chat(CLI::App& app, Action& chosen);
void add_timeline(CLI::App& app, Action& chosen); // timeline, plot

} // namespace vb::vbctl
