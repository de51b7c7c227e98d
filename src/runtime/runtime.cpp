#include "runtime/runtime.h"

#include "http/access_log.h"
#include "http/api.h"
#include "http/entrance.h"
#include "http/log_ring.h"
#include "http/server.h"
#include "runtime/confinement.h"
#include "runtime/engine_backend.h"
#include "runtime/listen.h"
#include "runtime/notify.h"
#include "trace/timeline.h"

#include <algorithm>
#include <arpa/inet.h>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <netinet/in.h>
#include <optional>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace vb::runtime {

namespace {

std::string_view variable(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? std::string_view() : std::string_view(value);
}

// The timeline of the boot that this process is part of, or one of its own.
trace::Timeline open_timeline(base::Nanoseconds started, const base::Log& log) {
    const std::string_view passed = variable(trace::environment_variable);
    int fd = -1;
    base::Result<trace::Timeline> timeline =
        passed.empty() ? trace::Timeline::create(started)
        : base::parse_number(passed, fd)
            ? trace::Timeline::attach(fd)
            : base::failure("attach the timeline", passed, "expected a descriptor");
    if (timeline) { return std::move(*timeline); }
    log.warning(base::describe(timeline.error()));
    return {}; // serving does not depend on it
}

base::Nanoseconds watchdog_interval() {
    std::uint64_t microseconds = 0;
    pid_t meant = 0;
    const std::string_view process = variable("WATCHDOG_PID");
    if (!process.empty() && (!base::parse_number(process, meant) || meant != ::getpid())) { return {}; }
    constexpr std::uint64_t most = std::uint64_t{1} << 50;
    if (!base::parse_number(variable("WATCHDOG_USEC"), microseconds) || microseconds > most) { return {}; }
    return std::chrono::microseconds(microseconds);
}

// PID 1's count of the runtimes before this one.
std::uint32_t restarts() {
    std::uint32_t count = 0;
    return base::parse_number(variable("VECTOR_BOOT_RESTARTS"), count) ? count : 0;
}

Notifier open_notifier(const base::Log& log) {
    auto notifier = Notifier::connect(variable("NOTIFY_SOCKET"));
    if (notifier) { return std::move(*notifier); }
    log.warning(base::describe(notifier.error()));
    return {}; // nor does it depend on this
}

base::Result<std::vector<base::UniqueFd>> listening_sockets(const std::string& address) {
    auto sockets = inherited_sockets({.pid = std::getenv("LISTEN_PID"),
                                      .fds = std::getenv("LISTEN_FDS"),
                                      .names = std::getenv("LISTEN_FDNAMES")});
    if (!sockets || !sockets->empty()) { return sockets; }
    auto bound = bind_socket(address);
    if (!bound) { return std::unexpected(bound.error()); }
    sockets->push_back(std::move(*bound));
    return sockets;
}

// From here on SIGTERM and SIGINT arrive at the descriptor only; the engine's threads inherit the mask.
base::Result<base::UniqueFd> take_signals() {
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    if (::pthread_sigmask(SIG_BLOCK, &ending, nullptr) != 0 || std::signal(SIGPIPE, SIG_IGN) == SIG_ERR) {
        return base::system_error("set up", "signals");
    }
    base::UniqueFd signals(::signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals) { return base::system_error("create", "signalfd"); }
    return signals;
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

// As many connections as there are descriptors, but for those of the engine and the process itself.
http::Limits with_descriptor_limit(http::Limits limits) {
    constexpr rlim_t others = 128;
    rlimit descriptors{};
    if (::getrlimit(RLIMIT_NOFILE, &descriptors) == 0 && descriptors.rlim_cur > 2 * others) {
        limits.connections = std::min<rlim_t>(limits.connections, descriptors.rlim_cur - others);
    }
    return limits;
}

// Whether only this machine's own programs can connect to them.
bool are_local(const std::vector<base::UniqueFd>& sockets) {
    return std::ranges::all_of(sockets, [](const base::UniqueFd& socket) {
        sockaddr_storage address{};
        socklen_t size = sizeof address;
        if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) { return false; }
        if (address.ss_family == AF_INET6) {
            return IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6&>(address).sin6_addr) != 0;
        }
        constexpr in_addr_t loopback_network = 127;
        return address.ss_family != AF_INET ||
               ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr) >> 24U ==
                   loopback_network;
    });
}

// What stands between the sockets and the API.
struct Access {
    std::unique_ptr<http::Tls> tls;
    std::unique_ptr<http::ApiKeys> keys;
    bool local = false;
};

base::Result<Access> open_access(const Options& options, http::EventLoop& loop, const base::Log& log,
                                 const std::vector<base::UniqueFd>& sockets) {
    Access access;
    access.local = are_local(sockets);
    if (!options.certificate.empty()) {
        auto tls = http::load_tls(options.certificate, options.private_key);
        if (!tls) { return std::unexpected(tls.error()); }
        access.tls = std::move(*tls);
    }
    if (!options.keys.empty()) {
        auto keys = http::ApiKeys::open(loop, options.keys, log);
        if (!keys) { return std::unexpected(keys.error()); }
        access.keys = std::move(*keys);
    }
    return access;
}

class Service {
  public:
    Service(const Options& options, const base::Log& log, const http::Api::Host& host,
            trace::Timeline& timeline, Notifier notifier, http::EventLoop& loop, http::Mailbox& mailbox,
            base::UniqueFd signals, const Access& access)
        : options_(options), log_(log), notifier_(std::move(notifier)), loop_(loop), mailbox_(mailbox),
          signals_(std::move(signals)),
          backend_(options.engine, timeline, log,
                   [this](engine::State state) { mailbox_.post([this, state] { engine_changed(state); }); }),
          api_(loop, mailbox, backend_, timeline, options.limits, host),
          entrance_([this](http::Exchange& exchange) { api_.handle(exchange); },
                    http::Origins(options.origins, access.local && !access.keys), access.keys.get()),
          server_(
              loop, [this](http::Exchange& exchange) { entrance_.handle(exchange); },
              with_descriptor_limit(options.limits), access.tls.get()),
          signal_watch_(loop, signals_.get(), [this] { signalled(); }), heartbeat_(loop, [this] { beat(); }),
          drained_(loop, [this] { refuse("the server is stopping"); }),
          flushed_(loop, [this] { loop_.stop(); }) {
        server_.on_finished([this](const http::Exchange& exchange) {
            api_.count(exchange);
            if (options_.access_log) { http::log_access(log_, exchange); }
        });
    }

    base::Result<> serve(std::vector<base::UniqueFd> sockets) {
        for (base::UniqueFd& socket : sockets) {
            if (auto accepted = server_.accept_from(std::move(socket)); !accepted) { return accepted; }
        }
        tell("STATUS=loading the model");
        if (heartbeat_interval_ > base::Nanoseconds{}) { beat(); }
        return {};
    }
    int exit_code() const noexcept { return exit_code_; }

  private:
    void engine_changed(engine::State state) {
        if (stopping_) { return; }
        if (state == engine::State::ready) {
            tell("READY=1\nSTATUS=serving");
            log_.info("serving ", backend_.model_name());
            return;
        }
        exit_code_ = engine_failed;
        log_.error(backend_.failure().message);
        tell("STOPPING=1\nSTATUS=the neural runtime could not be initialised");
        stop_accepting();
        refuse(backend_.failure().message);
    }

    void signalled() {
        signalfd_siginfo signal{};
        while (::read(signals_.get(), &signal, sizeof signal) == sizeof signal) {
            if (stopping_) { // whoever asks twice does not want to wait
                refuse("the server is stopping");
                continue;
            }
            log_.info("ending: signal ", static_cast<int>(signal.ssi_signo));
            tell("STOPPING=1\nSTATUS=ending");
            stop_accepting();
            drained_.start(options_.drain - 2 * flush_);
        }
    }

    void stop_accepting() {
        stopping_ = true;
        server_.on_idle([this] { loop_.stop(); });
        server_.stop_accepting();
        api_.end_connections();
        if (server_.open_exchanges() == 0) { loop_.stop(); }
    }
    // From this loop, which must not be stuck, and only with proof that the engine is not: what it computed since the
    // last beat, or a token that is asked for now. While it loads nobody waits for beats yet.
    void beat() {
        heartbeat_.start(heartbeat_interval_);
        const base::Nanoseconds last = std::exchange(last_beat_, base::monotonic_now());
        if (backend_.state() != engine::State::ready) { return tell("WATCHDOG=1"); }
        api_.health().when_proven(last, [this] { tell("WATCHDOG=1"); });
    }
    void refuse(const std::string& reason) {
        flushed_.start(flush_);
        api_.refuse_waiting(http::unavailable(reason));
    }
    void tell(std::string_view lines) const {
        if (auto sent = notifier_.send(lines); !sent) { log_.warning(base::describe(sent.error())); }
    }

    const Options& options_;
    // For the last bytes to be taken, and as much again for the engine to end: the supervisor does not wait longer
    // than it has told us.
    const std::chrono::milliseconds flush_ = std::min(options_.drain / 5, std::chrono::milliseconds(500));
    const base::Log& log_;
    const Notifier notifier_;
    http::EventLoop& loop_;
    http::Mailbox& mailbox_;
    const base::UniqueFd signals_;
    int exit_code_ = ended;
    bool stopping_ = false;
    EngineBackend backend_;
    http::Api api_;
    const http::Entrance entrance_;
    http::Server server_;
    http::ReadWatch signal_watch_;
    // Half of what our supervisor waits for, as sd_watchdog_enabled(3) advises; 0: it does not wait.
    const base::Nanoseconds heartbeat_interval_ = watchdog_interval() / 2;
    http::Timer heartbeat_;
    base::Nanoseconds last_beat_{};
    http::Timer drained_;
    http::Timer flushed_;
};

base::Result<int> serve(const Options& options, const base::Log& log, const http::LogRing& log_lines,
                        base::Nanoseconds started) {
    trace::Timeline timeline = open_timeline(started, log);
    auto sockets = listening_sockets(options.listen);
    if (!sockets) { return std::unexpected(sockets.error()); }
    auto signals = take_signals();
    if (!signals) { return std::unexpected(signals.error()); }
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

    Notifier notifier = open_notifier(log);
    const http::ProcessStatistics process; // opens what the confined process may not
    const http::Api::Host host{.log_lines = &log_lines, .process = &process, .restarts = restarts()};
    sandbox::Confinement confinement;
    if (options.confine) { // from here on there are no new sockets
        const trace::Span span(timeline, "runtime: confine");
        confinement = confine(options, notifier, log);
    }
    raise_descriptor_limit(log);
    Service service(options, log, host, timeline, std::move(notifier), *loop, **mailbox, std::move(*signals),
                    *access);
    if (auto accepting = service.serve(std::move(*sockets)); !accepting) {
        return std::unexpected(accepting.error());
    }
    if (timeline.spawned() > base::Nanoseconds{}) {
        timeline.record("runtime: exec", timeline.spawned(), started); // and ld.so, before its own main()
    }
    timeline.record("runtime: start", started, base::monotonic_now());
    if (auto ran = loop->run(); !ran) { return std::unexpected(ran.error()); }
    return service.exit_code();
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
