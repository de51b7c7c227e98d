#include "config/arguments.h"

#include "config/names.h"
#include "config/signal_names.h"
#include "sys/socket_address.h"

#include <getopt.h>

#include <algorithm>
#include <iterator>

namespace vb::config {

namespace {

// Beyond the characters that short options have.
enum LongOption : int { config_option = 256, model_option, listen_option, log_option, version_option };

constexpr option long_options[] = {
    {"config", required_argument, nullptr, config_option},
    {"model", required_argument, nullptr, model_option},
    {"listen", required_argument, nullptr, listen_option},
    {"log", required_argument, nullptr, log_option},
    {"help", no_argument, nullptr, 'h'},
    {"version", no_argument, nullptr, version_option},
    {nullptr, 0, nullptr, 0},
};
// tini's. "+": stop at the first word that is no option; ":": tell a missing value from an unknown option.
constexpr char short_options[] = "+:hvgwlse:p:";

base::Result<> take_status(std::string_view text, Arguments& arguments) noexcept {
    int status = 0;
    if (!base::parse_number(text, status) || status < 0 || status > 255) {
        return base::failure("read the command line", "-e", "expected an exit status from 0 to 255");
    }
    arguments.success.push_back(status);
    return {};
}

base::Result<> take(int found, Arguments& arguments) noexcept {
    switch (found) {
    case config_option:
        arguments.config = optarg;
        break;
    case model_option:
        arguments.model = optarg;
        break;
    case listen_option:
        arguments.listen = optarg;
        break;
    case log_option:
        arguments.log = optarg;
        break;
    case version_option:
        arguments.version = true;
        break;
    case 'h':
        arguments.help = true;
        break;
    case 'l':
        arguments.license = true;
        break;
    case 'g':
        arguments.signal_group = true;
        break;
    case 'w':
        arguments.report_reaping = true;
        break;
    case 'v':
        ++arguments.verbosity;
        break;
    case 's':
        break;
    case 'p':
        arguments.parent_death = optarg;
        break;
    case 'e':
        return take_status(optarg, arguments);
    default:
        break;
    }
    return {};
}

// `unknown` is what getopt_long(3) returned in place of an option.
std::unexpected<base::Error> refuse(int unknown, char** argv) noexcept {
    const char short_name[] = {'-', static_cast<char>(optopt), '\0'};
    const bool is_short = 0 < optopt && optopt < config_option;
    return base::failure("read the command line", is_short ? short_name : argv[optind - 1],
                         unknown == ':' ? "expected a value after it"
                                        : "there is no such option; vector_boot --help lists them all");
}

} // namespace

base::Result<Arguments> parse_arguments(char** argv, bool lenient) noexcept {
    Arguments arguments;
    const auto count = static_cast<int>(std::ranges::find(argv, std::unreachable_sentinel, nullptr) - argv);
    opterr = 0;
    for (optind = 0; optind < count || optind == 0;) {
        const int found = ::getopt_long(count, argv, short_options, long_options, nullptr);
        if (found == '?' || found == ':') {
            if (lenient) { continue; }
            return refuse(found, argv);
        }
        if (found != -1) {
            auto taken = take(found, arguments);
            if (!taken && !lenient) { return std::unexpected(taken.error()); }
            continue;
        }
        if (optind >= count) { break; }
        const bool is_command = std::string_view(argv[optind - 1]) == "--" || !lenient;
        if (is_command) {
            arguments.command = argv + optind;
            break;
        }
        ++optind;
    }
    if (lenient) { arguments.help = arguments.version = arguments.license = false; }
    return arguments;
}

base::Result<> apply(const Arguments& arguments, Config& config) {
    constexpr char operation[] = "read the command line";
    if (!arguments.model.empty()) { config.engine.model = arguments.model; }
    if (arguments.command != nullptr) {
        config.handoff.mode = HandoffMode::exec;
        config.handoff.command.clear();
        for (char** word = arguments.command; *word != nullptr; ++word) {
            config.handoff.command.emplace_back(*word);
        }
    }
    if (arguments.signal_group) { config.handoff.signal_group = true; }
    if (arguments.report_reaping) { config.handoff.report_reaping = true; }
    std::ranges::copy(arguments.success, std::back_inserter(config.handoff.success));
    if (arguments.verbosity == 1) { config.log.level = std::max(config.log.level, base::Level::info); }
    if (arguments.verbosity > 1) { config.log.level = base::Level::debug; }
    // What is wrong with one option does not keep the others from counting.
    auto applied = apply_level(arguments.log, operation, "--log", config);
    if (!arguments.parent_death.empty()) {
        if (parse_signal(arguments.parent_death) == 0) {
            applied = base::failure(operation, "-p", "expected a signal such as SIGTERM");
        } else {
            config.handoff.parent_death = arguments.parent_death;
        }
    }
    if (!arguments.listen.empty()) {
        const auto address = sys::parse_socket_address(arguments.listen);
        if (!address) { return std::unexpected(address.error()); }
        config.listen.http = arguments.listen;
    }
    return applied;
}

base::Result<> apply_tini_variables(char* const* environment, Config& config) noexcept {
    constexpr std::string_view group = "TINI_KILL_PROCESS_GROUP=";
    constexpr std::string_view verbosity = "TINI_VERBOSITY=";
    for (; *environment != nullptr; ++environment) {
        const std::string_view variable = *environment;
        if (variable.starts_with(group)) { config.handoff.signal_group = true; }
        if (!variable.starts_with(verbosity)) { continue; }
        unsigned level = 0;
        if (!base::parse_number(variable.substr(verbosity.size()), level)) {
            return base::failure("read the environment", "TINI_VERBOSITY", "expected a number from 0 to 3");
        }
        constexpr base::Level levels[] = {base::Level::error, base::Level::warning, base::Level::info,
                                          base::Level::debug};
        config.log.level = levels[std::min(level, 3U)];
    }
    return {};
}

} // namespace vb::config
