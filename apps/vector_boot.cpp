// PID 1 of a machine or a container: arguments and configuration in, an init::Init that runs for ever out.
#include "config/arguments.h"
#include "config/kernel_words.h"
#include "config/signal_names.h"
#include "config/toml.h"
#include "init/init.h"
#include "sys/crash_handler.h"
#include "sys/native_kernel.h"

#include <unistd.h>

namespace {

using namespace vb;

constexpr int cannot_set_up = 1;
constexpr std::size_t journal_bytes = std::size_t{256} << 10; // memory of PID 1, as it fills

// For the crash path alone, which has no other way to it.
journal::Ring* crash_journal = nullptr;

void write_to_journal(std::string_view report) noexcept {
    while (!report.empty()) {
        crash_journal->append(journal::Times::now(), base::Level::error, "vector_boot",
                              base::take_until(report, '\n'));
    }
    crash_journal->poke();
}

int fail(const base::Log& log, const base::Error& error) noexcept {
    log.error(base::describe(error));
    return cannot_set_up;
}

// All that configures vector_boot, each later one winning: the file, the kernel's words, the environment, the arguments.
class Sources final : public init::ConfigurationSource {
  public:
    Sources(sys::Kernel& kernel, const base::Log& log, const config::Arguments& arguments,
            const config::KernelWords& words, char** environment) noexcept
        : kernel_(kernel), log_(log), arguments_(arguments), words_(words), environment_(environment) {}

    base::Result<config::Config> read() noexcept override { return read(false); }

    // A machine has to come up: with `lenient` what is wrong is left out and said, and the rest counts.
    base::Result<config::Config> read(bool lenient) noexcept {
        config::Config config;
        for (const auto& configured :
             {read_file(lenient, config), config::apply(words_, config),
              config::apply_tini_variables(environment_, config), config::apply(arguments_, config)}) {
            if (configured) { continue; }
            if (!lenient) { return std::unexpected(configured.error()); }
            log_.error(base::describe(configured.error()), "; going on without it");
        }
        return config;
    }

  private:
    base::Result<> read_file(bool lenient, config::Config& config) noexcept {
        const std::string_view wanted = arguments_.config.empty() ? words_.config : arguments_.config;
        const base::Text<4095> path(wanted.empty() ? config::default_path : wanted);
        char buffer[65536];
        const auto text = kernel_.read_file(path.c_str(), buffer);
        if (!text && text.error().number == ENOENT && wanted.empty()) { return {}; }
        if (!text) { return std::unexpected(text.error()); }
        if (lenient) {
            config::read_toml_leniently(std::string(*text), path, config, [this](const base::Error& fault) {
                log_.error(base::describe(fault), "; going on without this line");
            });
            return {};
        }
        return config::read_toml(*text, path, config).transform_error([](const config::TomlFault& fault) {
            return fault.error;
        });
    }

    sys::Kernel& kernel_;
    const base::Log& log_;
    const config::Arguments& arguments_;
    const config::KernelWords& words_;
    char** environment_;
};

sys::CrashAction crash_action(config::CrashAction configured) noexcept {
    switch (configured) {
    case config::CrashAction::shell:
        return sys::CrashAction::shell;
    case config::CrashAction::freeze:
        return sys::CrashAction::freeze;
    case config::CrashAction::reboot:
        break;
    }
    return sys::CrashAction::reboot;
}

// The runtime is installed beside this program.
base::Text<4095> runtime_path() noexcept {
    char own[4096];
    const ssize_t length = ::readlink("/proc/self/exe", own, sizeof own);
    const std::string_view path(own, length > 0 ? static_cast<std::size_t>(length) : 0);
    return base::Text<4095>(path.substr(0, path.rfind('/') + 1)) << "vector_boot-runtime";
}

} // namespace

int main(int, char** argv, char** environment) {
    const base::Nanoseconds began = base::monotonic_now();
    sys::NativeKernel kernel;
    base::Log log(STDERR_FILENO, "vector_boot");
    auto ring = journal::Ring::create(journal_bytes);
    if (!ring) { ring.emplace(); } // it takes lines and forgets them
    log.set_sink(journal::log_sink(*ring));
    crash_journal = &*ring;
    kernel.fill_standard_descriptors();
    if (const auto installed = sys::install_crash_handler(); !installed) {
        log.warning(base::describe(installed.error()));
    }
    // Before anything else: a signal that comes from here on waits in the descriptor.
    auto signals = kernel.open_signals();
    if (!signals) { return fail(log, signals.error()); }

    const init::Place place = init::prepare_place(kernel, log);
    const bool is_machine = place == init::Place::machine;
    const auto arguments = config::parse_arguments(argv, is_machine);
    if (!arguments) { return fail(log, arguments.error()); }
    if (arguments->help || arguments->version || arguments->license) {
        const std::string_view text = arguments->help      ? config::help_text
                                      : arguments->version ? "vector_boot " VB_VERSION "\n"
                                                           : config::license_text;
        return ::write(STDOUT_FILENO, text.data(), text.size()) < 0 ? cannot_set_up : 0;
    }

    char command_line[4096];
    config::KernelWords words;
    if (is_machine) {
        const auto text = kernel.read_file("/proc/cmdline", command_line);
        words = config::parse_kernel_words(text.value_or(""));
        if (!words.unknown.empty()) { log.warning("unknown kernel words: ", words.unknown); }
    }
    Sources sources(kernel, log, *arguments, words, environment);
    auto read = sources.read(is_machine);
    if (!read) { return fail(log, read.error()); }
    config::Config& config = *read;
    log.set_level(config.log.level);
    if (is_machine) {
        sys::set_crash_policy({.action = crash_action(config.failure.crash), .hook = write_to_journal});
    }
    if (!config.handoff.parent_death.empty() && !is_machine) {
        const auto parent_lives = kernel.follow_parent(config::parse_signal(config.handoff.parent_death));
        if (!parent_lives) { return fail(log, parent_lives.error()); }
        if (!*parent_lives) {
            log.notice("the parent has died already");
            return cannot_set_up;
        }
    }

    auto timeline = trace::Timeline::create(is_machine ? base::Nanoseconds{} : began);
    if (!timeline) {
        log.warning(base::describe(timeline.error()));
        timeline.emplace();
    }
    if (is_machine) { timeline->record("kernel", base::Nanoseconds{}, began); }
    timeline->record("init: mounts and configuration", began, base::monotonic_now());

    const base::Text<4095> runtime = runtime_path();
    init::Init init(kernel, *timeline, log, std::move(config),
                    {.place = place,
                     .version = VB_VERSION,
                     .source = &sources,
                     .ring = &*ring,
                     .runtime = runtime.c_str(),
                     .ip_word = words.ip,
                     .environment = environment},
                    std::move(*signals));
    // What fails here is the kernel itself (no epoll, no memory): there is nothing to go on with. To return would
    // panic the kernel of a machine.
    if (const auto ready = init.set_up(); !ready) {
        const int status = fail(log, ready.error());
        if (is_machine) { sys::crash("PID 1 cannot set itself up"); }
        return status;
    }
    return init.run();
}
