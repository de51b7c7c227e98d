// The subcommands that change something.
#include "vbctl/connection.h"

#include <cstdio>

namespace vb::vbctl {

namespace {

using Call = control::ClientResult<void> (control::Client::*)(std::string_view);

// A call with one word from the command line.
void add_call(CLI::App& app, Action& chosen, const char* name, const char* help, const char* word,
              Call call) {
    CLI::App* const command = app.add_subcommand(name, help);
    const auto value = std::make_shared<std::string>();
    command->add_option(word, *value)->required();
    ask_when_chosen(*command, chosen,
                    [value, call](control::Client& client) { return finish((client.*call)(*value)); });
}

} // namespace

void add_units(CLI::App& app, Action& chosen) {
    add_call(app, chosen, "start", "Start a unit", "UNIT", &control::Client::start);
    add_call(app, chosen, "stop", "Stop a unit", "UNIT", &control::Client::stop);
    add_call(app, chosen, "restart", "Stop a unit and start it again", "UNIT", &control::Client::restart);
}

void add_log_level(CLI::App& app, Action& chosen) {
    add_call(app, chosen, "log-level", "Set what vector_boot logs: error, warning, notice, info or debug",
             "LEVEL", &control::Client::set_log_level);
}

void add_reload(CLI::App& app, Action& chosen) {
    CLI::App* const command =
        app.add_subcommand("reload", "Read the configuration again and apply what is different");
    ask_when_chosen(*command, chosen, [](control::Client& client) {
        const auto changed = client.reload();
        if (!changed) { return fail(changed.error()); }
        for (const std::string& unit : *changed) {
            std::printf("changed %s\n", unit.c_str());
        }
        if (changed->empty()) { std::puts("nothing changed"); }
        return int{succeeded};
    });
}

void add_endings(CLI::App& app, Action& chosen) {
    const auto add = [&](const char* name, const char* help, control::Ending ending) {
        ask_when_chosen(*app.add_subcommand(name, help), chosen,
                        [ending](control::Client& client) { return finish(client.end(ending)); });
    };
    add("poweroff", "End in order and power off; a container ends", control::Ending::power_off);
    add("reboot", "End in order and reboot", control::Ending::reboot);
    add("halt", "End in order and halt", control::Ending::halt);
}

} // namespace vb::vbctl
