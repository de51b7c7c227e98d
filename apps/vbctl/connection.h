// The subcommands that ask a running vector_boot: each has --socket and gets a connected client.
#pragma once

#include "vbctl/commands.h"
#include "vbctl/failure.h"

#include <memory>
#include <string>
#include <utility>

namespace vb::vbctl {

// Has `command` choose `ask`, which is called with a control::Client and gives the exit status.
template <class Ask>
void ask_when_chosen(CLI::App& command, Action& chosen, Ask ask) {
    const auto path = std::make_shared<std::string>(control::socket_path);
    command.add_option("--socket", *path, "The socket of vector_boot")->capture_default_str();
    command.callback([&chosen, path, ask = std::move(ask)] {
        chosen = [path, ask] {
            auto client = control::Client::connect(*path);
            return client ? ask(*client) : fail(client.error());
        };
    });
}

} // namespace vb::vbctl
