#include "runtime/runtime.h"

#include "http/log_ring.h"
#include "runtime/confinement.h"
#include "runtime/passed.h"
#include "runtime/python_host.h"
#include "runtime/service.h"

#include <csignal>
#include <memory>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace vb::runtime {

namespace {

// From here on SIGTERM and SIGINT wait until somebody takes them; all threads inherit the mask.
base::Result<sigset_t> block_signals() {
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    if (::pthread_sigmask(SIG_BLOCK, &ending, nullptr) != 0 || std::signal(SIGPIPE, SIG_IGN) == SIG_ERR) {
        return base::system_error("set up", "signals");
    }
    return ending;
}

// Each client is a descriptor; the soft limit of 1024 is for programs that use select(2).
void raise_descriptor_limit(const base::Log& log) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        if (::setrlimit(RLIMIT_NOFILE, &limit) == 0) { return; }
    }
    log.warning("the limit of file descriptors could not be raised");
}

// Until a signal says otherwise.
base::Result<int> serve_alone(const Service::Surroundings& surroundings, const sigset_t& ending,
                              std::vector<base::UniqueFd> sockets) {
    const base::UniqueFd signals(::signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals) { return base::system_error("create", "signalfd"); }
    Service service(surroundings);
    const http::ReadWatch watch(surroundings.loop, signals.get(), [&] {
        signalfd_siginfo signal{};
        while (::read(signals.get(), &signal, sizeof signal) == sizeof signal) {
            surroundings.log.info("ending: signal ", static_cast<int>(signal.ssi_signo));
            service.end();
        }
    });
    if (auto accepting = service.serve(std::move(sockets)); !accepting) {
        return std::unexpected(accepting.error());
    }
    service.begin_telling();
    if (auto ran = surroundings.loop.run(); !ran) { return std::unexpected(ran.error()); }
    return service.exit_code();
}

void record_start(trace::Timeline& timeline, base::Nanoseconds started) {
    if (timeline.spawned() > base::Nanoseconds{}) {
        timeline.record("runtime: exec", timeline.spawned(), started); // and ld.so, before its own main()
    }
    timeline.record("runtime: start", started, base::monotonic_now());
}

base::Result<int> serve(const Options& options, const base::Log& log, const http::LogRing& log_lines,
                        base::Nanoseconds started) {
    trace::Timeline timeline = open_timeline(started, log);
    auto sockets = listening_sockets(options.listen);
    if (!sockets) { return std::unexpected(sockets.error()); }
    const auto ending = block_signals();
    if (!ending) { return std::unexpected(ending.error()); }
    auto loop = http::EventLoop::create();
    if (!loop) { return std::unexpected(loop.error()); }
    const auto mailbox = http::Mailbox::create(*loop);
    if (!mailbox) { return std::unexpected(mailbox.error()); }
    if (options.confine) {
        if (const auto readable = check_readable(options); !readable) {
            log.error(base::describe(readable.error()));
            return engine_failed;
        }
    }
    const auto access = open_access(options, *loop, log, *sockets);
    if (!access) { return std::unexpected(access.error()); }

    const Notifier notifier = open_notifier(log);
    const http::ProcessStatistics process; // opens what the confined process may not
    if (options.confine) {                 // from here on there are no new sockets
        const trace::Span span(timeline, "runtime: confine");
        (void)confine(options, notifier, log);
    }
    raise_descriptor_limit(log);
    const Service::Surroundings surroundings{
        .options = options,
        .log = log,
        .timeline = timeline,
        .notifier = notifier,
        .loop = *loop,
        .mailbox = **mailbox,
        .access = *access,
        .host = {.log_lines = &log_lines, .process = &process, .restarts = restarts()}};
    record_start(timeline, started);
    return options.program ? host_program(surroundings, std::move(*sockets))
                           : serve_alone(surroundings, *ending, std::move(*sockets));
}

} // namespace

int run(const Options& options, base::Nanoseconds started) {
    base::Log log(STDERR_FILENO, "vector_boot-runtime", options.log_level);
    log.set_prefixed(!variable("VECTOR_BOOT_LOG_PREFIX").empty());
    const auto log_lines = std::make_unique<http::LogRing>(); // too large for the stack
    log.set_sink(log_lines->sink());
    const auto exit_code = serve(options, log, *log_lines, started);
    if (!exit_code) {
        log.error(base::describe(exit_code.error()));
        return set_up_failed;
    }
    return *exit_code;
}

} // namespace vb::runtime
