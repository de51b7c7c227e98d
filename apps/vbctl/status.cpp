// The subcommands that look.
#include "vbctl/connection.h"
#include "vbctl/status_table.h"

#include <cstdio>
#include <cstdlib>
#include <unistd.h>

namespace vb::vbctl {

namespace {

// Colours are for people: only on a terminal, and not where NO_COLOR is set (https://no-color.org).
bool wants_colours() {
    const char* const refused = std::getenv("NO_COLOR");
    return ::isatty(STDOUT_FILENO) == 1 && (refused == nullptr || *refused == '\0');
}

// False when standard output is gone or full.
bool print(std::string_view text) {
    return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
}

} // namespace

void add_status(CLI::App& app, Action& chosen) {
    CLI::App* const command = app.add_subcommand("status", "Show how every unit is");
    const auto json = std::make_shared<bool>(false);
    command->add_flag("--json", *json, "The reply of vector_boot as it came");
    ask_when_chosen(*command, chosen, [json](control::Client& client) {
        const auto report = client.status();
        if (!report) { return fail(report.error()); }
        const bool printed = print(*json ? report->json + "\n" : status_table(*report, wants_colours()));
        return printed ? int{succeeded} : fail(base::system_error("write to", "standard output").error());
    });
}

void add_watch(CLI::App& app, Action& chosen) {
    CLI::App* const command = app.add_subcommand("watch", "Show how every unit is, and then each change");
    const auto json = std::make_shared<bool>(false);
    command->add_flag("--json", *json, "One line of JSON for each");
    ask_when_chosen(*command, chosen, [json](control::Client& client) {
        const bool colours = wants_colours();
        bool printed = true;
        const auto watched = client.watch([&](const control::Unit& unit, std::string_view text) {
            printed = print(*json ? std::string(text) + "\n" : change_line(unit, colours));
            return printed;
        });
        if (!printed) { return fail(base::system_error("write to", "standard output").error()); }
        return finish(watched);
    });
}

} // namespace vb::vbctl
