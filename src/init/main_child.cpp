// Init's main child, the runtime or the command, and the shell that may stand in for it: how they are started.
#include "init/init.h"
#include "init/passed_socket.h"
#include "init/runtime_arguments.h"
#include "init/runtime_sandbox.h"

namespace vb::init {

namespace {

constexpr char shell_path[] = "/bin/sh";

// What libraries of the runtime read before its main(), and so can only be told from here.
constexpr struct {
    std::string_view name;
    std::string_view value;
} runtime_defaults[] = {
    // On a failed assertion ggml would fork a debugger to print a backtrace, and take a second doing so.
    {"GGML_NO_BACKTRACE", "1"},
    // Clearing the key-value buffer is page faults; huge pages make it a third, and the heap grows in fewer
    // steps.
    {"GLIBC_TUNABLES", "glibc.malloc.hugetlb=1:glibc.malloc.top_pad=33554432"},
    // libgomp's barriers spin: for milliseconds by default, which starves whoever else wants the CPU (and then
    // the barrier waits for a thread that does not run). So long, some tenths of one, they bridge the gaps within a
    // graph: less, and threads sleep in them, which costs a tenth of the tokens.
    {"GOMP_SPINCOUNT", "20000"},
};

} // namespace

void Init::prepare_child() noexcept {
    // The kernel gives its init no PATH.
    if (setup_.place == Place::machine || !runs_command()) {
        environment_.set_default("PATH", standard_path);
    }
    if (runs_command()) {
        for (const std::string& word : config_.handoff.command) {
            arguments_.push_back(word.c_str());
        }
        arguments_.push_back(nullptr);
        // What was passed to us is the command's, and its process id is another one.
        if (find_passed_socket(setup_.environment, kernel_.process_id())) {
            process_id_slot_ = environment_.set_process_id("LISTEN_PID");
        }
        return;
    }
    set_runtime_arguments();
    constexpr std::string_view socket_fd_count = "1";
    constexpr std::string_view timeline_fd = "4"; // the socket is 3
    environment_.set("LISTEN_FDS", socket_fd_count);
    environment_.set("LISTEN_FDNAMES", "http");
    process_id_slot_ = environment_.set_process_id("LISTEN_PID");
    if (config_.watchdog.runtime != 0) {
        base::Text<31> microseconds;
        environment_.set("WATCHDOG_USEC", microseconds << std::uint64_t{config_.watchdog.runtime} * 1000);
    }
    environment_.set("VECTOR_BOOT_LOG_PREFIX", "1");
    if (timeline_.layout() != nullptr) { environment_.set(trace::environment_variable, timeline_fd); }
    for (const auto& [name, value] : runtime_defaults) {
        environment_.set_default(name, value);
    }
}

void Init::set_runtime_arguments() noexcept {
    words_ = runtime_arguments(setup_.runtime, config_);
    arguments_.clear();
    for (const std::string& word : words_) {
        arguments_.push_back(word.c_str());
    }
    arguments_.push_back(nullptr);
}

base::Result<sys::Confinement> Init::confine_main() noexcept {
    if (runs_command()) { return sys::Confinement(); }
    auto confinement = runs_program() ? confine_program(kernel_, config_.handoff.user)
                                      : confine_runtime(kernel_, log_, config_.sandbox);
    if (confinement) { prepare_cache(kernel_, log_, config_.engine.cache, *confinement); }
    return confinement;
}

void Init::start_child() noexcept {
    if (!runs_command() && !http_) { // on a machine: what it lacked may have come meanwhile
        if (const auto bound = bind_sockets(); !bound) {
            log_.error(base::describe(bound.error()));
            follow(supervisor_.not_started(bound.error().number, kernel_.now()));
            return;
        }
    }
    const trace::Span span(timeline_, runs_command() ? "init: spawn command" : "init: spawn runtime");
    const int inherited[] = {http_.get(), timeline_.fd()}; // the second only where there is a timeline
    const std::span<const int> passed(inherited, timeline_.layout() != nullptr ? 2 : 1);
    const base::UniqueFd output = runs_command() ? base::UniqueFd() : main_output_.open(poll_.get());
    const auto confinement = confine_main();
    if (!confinement) {
        log_.error("[handoff] user: ", base::describe(confinement.error()));
        follow(supervisor_.not_started(confinement.error().number, kernel_.now()));
        return;
    }
    if (!runs_command()) {
        landlock_abi_.reset();
        base::Text<15> restarts;
        environment_.set("VECTOR_BOOT_RESTARTS", restarts << restarts_); // for its metrics
    }
    timeline_.spawning();
    const auto child =
        kernel_.spawn({.path = arguments_[0],
                       .arguments = const_cast<char* const*>(arguments_.data()),
                       .environment = environment_.variables(),
                       .inherited = runs_command() ? std::span<const int>() : passed,
                       .keeps_descriptors = runs_command(),
                       .process_id_slot = process_id_slot_,
                       .terminal = !runs_command()                  ? sys::Terminal::none
                                   : setup_.place == Place::machine ? sys::Terminal::console
                                                                    : sys::Terminal::foreground,
                       .output = output.get(),
                       .confinement = &*confinement});
    if (child) {
        supervisor_.started(*child);
        if (runs_command()) { // it has no way to say so
            supervisor_.ready(kernel_.now());
            services_.set_runtime_ready(true);
            if (!boot_time_) { boot_time_ = kernel_.now() - began_; }
        }
        log_.debug("started ", arguments_[0], " as process ", *child);
        return;
    }
    log_.error(base::describe(child.error()));
    if (child.error().number == EACCES && confinement->identity) {
        log_.error("user ", confinement->identity->user,
                   ", as which the runtime runs, has to get to its program: ",
                   "chmod the directories above it, or set [sandbox] user");
    }
    if (runs_command() && setup_.place != Place::machine) {
        end(child.error().number == ENOENT ? 127 : 126); // as POSIX sh 2.8.2 has it
        return;
    }
    follow(supervisor_.not_started(child.error().number, kernel_.now()));
}

bool Init::start_shell() noexcept {
    const char* const arguments[] = {shell_path, nullptr};
    log_.notice("starting a shell on the console; leave it to go on");
    const auto shell = kernel_.spawn({.path = shell_path,
                                      .arguments = const_cast<char* const*>(arguments),
                                      .environment = environment_.variables(),
                                      .inherited = {},
                                      .keeps_descriptors = false,
                                      .process_id_slot = nullptr,
                                      .terminal = sys::Terminal::console});
    if (!shell) {
        log_.error(base::describe(shell.error()));
        return false;
    }
    shell_ = *shell;
    return true;
}

} // namespace vb::init
