#include "config/arguments.h"

#include "config/names.h"
#include "sys/socket_address.h"

namespace vb::config {

namespace {

struct Option {
    std::string_view name;
    std::string_view Arguments::* value;
};
constexpr Option options[] = {
    {"--config", &Arguments::config},
    {"--model", &Arguments::model},
    {"--listen", &Arguments::listen},
    {"--log", &Arguments::log},
};

// The option that `word` names, alone or as --name=value.
const Option* find_option(std::string_view word) noexcept {
    const std::string_view name = word.substr(0, word.find('='));
    for (const Option& option : options) {
        if (option.name == name) { return &option; }
    }
    return nullptr;
}

} // namespace

base::Result<Arguments> parse_arguments(char** argv, bool lenient) noexcept {
    Arguments arguments;
    for (char** next = argv + 1; *next != nullptr; ++next) {
        const std::string_view word = *next;
        if (word == "--") {
            if (next[1] != nullptr) { arguments.command = next + 1; }
            return arguments;
        }
        if (!lenient && (word == "--help" || word == "-h")) {
            arguments.help = true;
        } else if (!lenient && word == "--version") {
            arguments.version = true;
        } else if (const Option* const option = find_option(word)) {
            if (word.size() > option->name.size()) {
                arguments.*option->value = word.substr(option->name.size() + 1);
            } else if (next[1] != nullptr) {
                arguments.*option->value = *++next;
            } else if (!lenient) {
                return base::failure("read the command line", word, "expected a value after it");
            }
        } else if (!lenient) {
            return base::failure(
                "read the command line", word,
                "expected --config, --model, --listen, --log, --help, --version or `-- CMD`");
        }
    }
    return arguments;
}

base::Result<> apply(const Arguments& arguments, Config& config) {
    if (!arguments.model.empty()) { config.engine.model = arguments.model; }
    if (arguments.command != nullptr) {
        config.handoff.mode = HandoffMode::exec;
        config.handoff.command.clear();
        for (char** word = arguments.command; *word != nullptr; ++word) {
            config.handoff.command.emplace_back(*word);
        }
    }
    // What is wrong with one option does not keep the other from counting.
    auto level = apply_level(arguments.log, "read the command line", "--log", config);
    if (!arguments.listen.empty()) {
        const auto address = sys::parse_socket_address(arguments.listen);
        if (!address) { return std::unexpected(address.error()); }
        config.listen.http = arguments.listen;
    }
    return level;
}

} // namespace vb::config
