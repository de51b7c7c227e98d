#include "runtime/service.h"

#include "http/access_log.h"
#include "runtime/passed.h"
#include "runtime/runtime.h"

#include <algorithm>
#include <sys/resource.h>

namespace vb::runtime {

namespace {

// As many connections as there are descriptors, but for those of the engine and the process itself.
http::Limits with_descriptor_limit(http::Limits limits) {
    constexpr rlim_t others = 128;
    rlimit descriptors{};
    if (::getrlimit(RLIMIT_NOFILE, &descriptors) == 0 && descriptors.rlim_cur > 2 * others) {
        limits.connections = std::min<rlim_t>(limits.connections, descriptors.rlim_cur - others);
    }
    return limits;
}

constexpr std::chrono::milliseconds longest_flush(500);

// Where there are rules, they have a place of their own among the answers that are computed at once: clients do not
// keep them waiting.
engine::Options with_place_for_rules(engine::Options options, bool has_rules) {
    if (has_rules) { options.parallel = std::min(options.parallel + 1, engine::Options::most_parallel); }
    return options;
}

} // namespace

Service::Service(const Surroundings& surroundings, Program program)
    : surroundings_(surroundings), program_(std::move(program)),
      flush_(std::min(surroundings.options.drain / 5, longest_flush)), exit_code_(ended),
      is_awaited_(program_.says_ready),
      backend_(with_place_for_rules(surroundings.options.engine, !surroundings.options.rules.empty()),
               surroundings.options.engine.parallel, surroundings.timeline, surroundings.log,
               [this](engine::State state) {
                   if (program_.settled) { program_.settled(state); }
                   surroundings_.mailbox.post([this, state] { engine_changed(state); });
               }),
      api_(surroundings.loop, surroundings.mailbox, backend_, surroundings.timeline,
           surroundings.options.limits, surroundings.host),
      entrance_(
          [this](http::Exchange& exchange) { api_.handle(exchange); },
          http::Origins(surroundings.options.origins, surroundings.access.local && !surroundings.access.keys),
          surroundings.access.keys.get()),
      server_(
          surroundings.loop, [this](http::Exchange& exchange) { entrance_.handle(exchange); },
          with_descriptor_limit(surroundings.options.limits), surroundings.access.tls.get()),
      heartbeat_interval_(watchdog_interval() / 2), heartbeat_(surroundings.loop, [this] { beat(); }),
      program_overdue_(surroundings.loop, [this] { miss_program(); }),
      drained_(surroundings.loop, [this] { refuse("the server is stopping"); }),
      flushed_(surroundings.loop, [this] { surroundings_.loop.stop(); }) {
    server_.on_head([this](http::Exchange& exchange) { return entrance_.admit(exchange); });
    server_.on_finished([this](const http::Exchange& exchange) {
        api_.count(exchange);
        if (surroundings_.options.access_log) { http::log_access(surroundings_.log, exchange); }
    });
    if (surroundings.options.rules.empty()) { return; }
    const rules::Surroundings for_rules{.loop = surroundings.loop,
                                        .mailbox = surroundings.mailbox,
                                        .log = surroundings.log,
                                        .backend = backend_,
                                        .events = api_.events()};
    rules_ =
        std::make_unique<rules::Rules>(for_rules, surroundings.options.rules, surroundings.options.devices);
}

base::Result<> Service::serve(std::vector<base::UniqueFd> sockets) {
    for (base::UniqueFd& socket : sockets) {
        if (auto accepted = server_.accept_from(std::move(socket)); !accepted) { return accepted; }
    }
    return {};
}

void Service::begin_telling() {
    tell("STATUS=loading the model");
    if (heartbeat_interval_ > base::Nanoseconds{}) { beat(); }
    if (rules_) { rules_->begin(); }
}

void Service::engine_changed(engine::State state) {
    if (is_stopping_) { return; }
    if (state == engine::State::failed) { return engine_failed(); }
    is_loaded_ = true;
    if (rules_) { rules_->engine_ready(); }
    become_ready();
}

void Service::program_ready() {
    is_awaited_ = false;
    become_ready();
}

void Service::become_ready() {
    if (!is_loaded_ || is_awaited_ || is_stopping_) { return; }
    tell("READY=1\nSTATUS=serving");
    surroundings_.log.info("serving ", backend_.model_name());
}

void Service::engine_failed() {
    exit_code_ = runtime::engine_failed;
    surroundings_.log.error(backend_.failure().message);
    tell("STOPPING=1\nSTATUS=the neural runtime could not be initialised");
    if (program_.failed) { return program_.failed(); }
    stop_accepting();
    refuse(backend_.failure().message);
}

void Service::end() {
    if (is_stopping_) { return refuse("the server is stopping"); } // whoever asks twice does not want to wait
    tell("STOPPING=1\nSTATUS=ending");
    stop_accepting();
    drained_.start(surroundings_.options.drain - 2 * flush_);
}

void Service::stop_accepting() {
    is_stopping_ = true;
    if (rules_) { rules_->end(); }
    server_.on_idle([this] { surroundings_.loop.stop(); });
    server_.stop_accepting();
    api_.end_connections();
    if (server_.open_exchanges() == 0) { surroundings_.loop.stop(); }
}

// From this loop, which must not be stuck, and only with proof that the engine is not: what it computed since the
// last beat, or a token that is asked for now. While it loads nobody waits for beats yet.
void Service::beat() {
    heartbeat_.start(heartbeat_interval_);
    const base::Nanoseconds last = std::exchange(last_beat_, base::monotonic_now());
    if (backend_.state() != engine::State::ready) { return tell("WATCHDOG=1"); }
    api_.health().when_proven(last, [this] { tell("WATCHDOG=1"); });
}

void Service::program_alive(std::chrono::milliseconds patience) {
    if (patience > patience.zero()) {
        program_overdue_.start(patience);
    } else {
        program_overdue_.stop();
    }
}

void Service::miss_program() {
    surroundings_.log.error("the program gives no sign of life");
    tell("WATCHDOG=trigger");
}

void Service::refuse(const std::string& reason) {
    flushed_.start(flush_);
    api_.refuse_waiting(http::unavailable(reason));
}

void Service::tell(std::string_view lines) const {
    if (auto sent = surroundings_.notifier.send(lines); !sent) {
        surroundings_.log.warning(base::describe(sent.error()));
    }
}

} // namespace vb::runtime
