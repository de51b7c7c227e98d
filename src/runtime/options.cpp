#include "runtime/options.h"

#include "config/config.h"
#include "config/rule_json.h"
#include "http/origins.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <utility>

namespace vb::runtime {

namespace {

constexpr char footer[] = R"(
Environment:
  LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES  sockets to serve instead of --listen, as in sd_listen_fds(3)
  NOTIFY_SOCKET                           where to report READY and STATUS, as in sd_notify(3)
  VECTOR_BOOT_TIMELINE                    descriptor of the boot timeline to record into
  VECTOR_BOOT_RESTARTS                    how often this program was started before, for its metrics
  WATCHDOG_USEC, WATCHDOG_PID             how often to prove that the engine works, as in sd_watchdog_enabled(3)
  VECTOR_BOOT_LOG_PREFIX                  set: lines of the log begin with <N>, as in sd-daemon(3)

Exit codes:
  0  ended by SIGTERM or SIGINT
  N  with --python: the program's, as the interpreter's own
  1  bad usage, or a socket could not be set up
  2  the neural runtime could not be initialised)";

// In milliseconds.
void add_time(CLI::App& app, const char* name, std::chrono::milliseconds& time, const char* what) {
    constexpr std::uint32_t day = 24 * 3600 * 1000;
    app.add_option_function<std::uint32_t>(
           name,
           [&time](const std::uint32_t& milliseconds) { time = std::chrono::milliseconds(milliseconds); },
           what)
        ->type_name("MS")
        ->check(CLI::Range(0U, day))
        ->default_str(std::to_string(time.count()));
}

void add_queue(CLI::App& app, Options& options) {
    constexpr std::size_t most = 65536;
    app.add_option("--queue", options.limits.queue, "Requests that may wait for the engine; more are refused")
        ->type_name("N")
        ->check(CLI::Range(std::size_t{0}, most))
        ->capture_default_str();
    add_time(app, "--queue-timeout", options.limits.queue_timeout, "How long a request may wait to be begun");
    add_time(app, "--request-timeout", options.limits.request_timeout,
             "How long a request may take in all; 0: any time");
    add_time(app, "--drain", options.drain,
             "How long the end may take: answers in flight are finished in it");
}

// Who may ask, and how.
void add_access_options(CLI::App& app, Options& options) {
    CLI::Option* const certificate =
        app.add_option("--certificate", options.certificate, "Certificate chain for TLS, as PEM")
            ->type_name("FILE");
    certificate->needs(app.add_option("--private-key", options.private_key, "Its private key, as PEM")
                           ->type_name("FILE")
                           ->needs(certificate));
    app.add_option("--keys", options.keys, "API keys, one a line; read again when the file changes")
        ->type_name("FILE");
    app.add_option("--origin", options.origins,
                   "Web pages of this origin may use the server; may be repeated")
        ->type_name("URL")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->check([](const std::string& text) {
            return http::Origins::is_origin(text) ? std::string()
                                                  : text + " is not like https://example.org:8443";
        });
    app.add_flag("--access-log", options.access_log, "Log each request as a line of JSON");
}

void add_program_options(CLI::App& app, Options& options, interpreter::Program& program) {
    CLI::Option* const python =
        app.add_option(
               "--python", program.app,
               "Run this Python program, instead of serving: a file, directory, zip, or MODULE:FUNCTION")
            ->type_name("APP");
    app.add_option("--argument", program.arguments, "Of the program, in sys.argv; may be repeated")
        ->type_name("TEXT")
        ->allow_extra_args(false)
        ->needs(python);
    app.add_option("--venv", program.virtual_environment, "Virtual environment whose packages it finds")
        ->type_name("DIR")
        ->needs(python);
    app.add_flag("--site", program.site, "Import site, for the packages of the system")->needs(python);
    app.add_option("--directory", options.directory, "Where the program runs")
        ->type_name("DIR")
        ->needs(python);
    app.add_flag("--ready-by-program", options.says_ready, "Report READY when the program says so")
        ->needs(python);
}

// May be repeated; each value is given to `take`.
template <class Take>
void add_repeated(CLI::App& app, const char* name, const char* type, const char* what, Take take) {
    app.add_option_function<std::vector<std::string>>(
           name, [take](const std::vector<std::string>& given) { std::ranges::for_each(given, take); }, what)
        ->type_name(type)
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void add_device_options(CLI::App& app, Options& options) {
    add_repeated(app, "--device", "NAME=DEVICE",
                 "A device that program and rules may open by this name; may be repeated",
                 [&options](const std::string& text) {
                     const std::size_t equals = text.find('=');
                     if (equals == 0 || equals == std::string::npos) {
                         throw CLI::ValidationError("--device", text + " is not like sensor=pci:1234:11e8");
                     }
                     options.devices.insert_or_assign(text.substr(0, equals), text.substr(equals + 1));
                 });
    add_repeated(app, "--rule", "JSON",
                 "What the model is asked when something happens at a device: an [[on]] of config.toml as "
                 "JSON; may be "
                 "repeated",
                 [&options](const std::string& text) {
                     auto rule = config::read_rule(text);
                     if (!rule) {
                         throw CLI::ValidationError("--rule", base::describe(rule.error()).c_str());
                     }
                     options.rules.push_back(*std::move(rule));
                 });
}

} // namespace

std::expected<Options, Early> parse_options(int count, const char* const* words) {
    Options options;
    std::map<std::string, base::Level> levels;
    for (std::size_t index = 0; index < std::size(base::level_names); ++index) {
        levels.emplace(base::level_names[index], static_cast<base::Level>(index));
    }
    CLI::App app("Serves one GGUF language model over HTTP, in the shape of OpenAI's API.",
                 "vector_boot-runtime");
    app.footer(footer);
    app.add_option("--model", options.engine.model, "GGUF file")->required()->type_name("FILE");
    app.add_option("--context", options.engine.context, "Tokens that prompt and answer may have together")
        ->type_name("N")
        ->check(CLI::Range(config::least_context, config::most_context))
        ->capture_default_str();
    app.add_option("--threads", options.engine.threads,
                   "Threads that compute; 0: as many as the CPU quota allows")
        ->type_name("N")
        ->check(CLI::Range(0U, config::most_threads))
        ->capture_default_str();
    app.add_option("--parallel", options.engine.parallel, "Answers that are computed at once")
        ->type_name("N")
        ->check(CLI::Range(1U, config::most_parallel))
        ->capture_default_str();
    app.add_option("--kept", options.engine.kept,
                   "Tokens of past requests that stay computed; 0: as many as the context has")
        ->type_name("N")
        ->check(CLI::Range(0U, config::most_context))
        ->capture_default_str();
    app.add_option("--cache", options.engine.cache, "Directory for what saves time at the next start")
        ->type_name("DIR");
    app.add_option("--listen", options.listen, "Address to bind if no socket was passed")
        ->type_name("HOST:PORT")
        ->capture_default_str();
    add_queue(app, options);
    app.add_flag("--confine", options.confine,
                 "Give up, before the model is touched, all that serving it does not take");
    app.add_option("--readable", options.readable, "With --confine: a path that stays readable; repeatable")
        ->type_name("PATH")
        ->allow_extra_args(false);
    add_access_options(app, options);
    interpreter::Program program;
    add_program_options(app, options, program);
    add_device_options(app, options);
    app.add_option("--log", options.log_level, "error, warning, notice, info or debug")
        ->type_name("LEVEL")
        ->transform(CLI::CheckedTransformer(levels))
        ->default_str("info");
    try {
        app.parse(count, words);
    } catch (const CLI::Success&) {
        return std::unexpected(Early{.exit_code = 0, .text = app.help()});
    } catch (const CLI::Error& error) {
        return std::unexpected(Early{.exit_code = 1,
                                     .text = std::string("vector_boot-runtime: ") + error.what() +
                                             " (--help lists the options)\n"});
    }
    if (!program.app.empty()) { options.program = std::move(program); }
    return options;
}

} // namespace vb::runtime
