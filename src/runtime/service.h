// The engine with the HTTP API in front of it, on one event loop, and what the supervisor is told of them. It decides with
// which code the process ends, and computes nothing itself. Belongs to the event loop's thread.
#pragma once

#include "http/api.h"
#include "http/entrance.h"
#include "http/server.h"
#include "rules/rules.h"
#include "runtime/access.h"
#include "runtime/engine_backend.h"
#include "runtime/notify.h"

#include <functional>
#include <string>
#include <vector>

namespace vb::runtime {

class Service {
  public:
    // What it works with; all of it outlives it.
    struct Surroundings {
        const Options& options;
        const base::Log& log;
        trace::Timeline& timeline;
        const Notifier& notifier;
        http::EventLoop& loop;
        http::Mailbox& mailbox;
        const Access& access;
        http::Api::Host host{};
    };
    // What a program that shares the process with it wants to know. Called on the event loop's thread, but for `settled`.
    struct Program {
        std::function<void(engine::State)> settled{}; // on the engine's thread: loaded, or failed
        std::function<void()> failed{};               // the engine did; without it the service ends by itself
        bool says_ready = false;                      // READY waits for program_ready()
    };

    // Begins to load the model.
    Service(const Surroundings& surroundings, Program program);
    explicit Service(const Surroundings& surroundings) : Service(surroundings, Program()) {}

    base::Result<> serve(std::vector<base::UniqueFd> sockets);
    // Once there is a supervisor to be told: that it loads, and that it lives.
    void begin_telling();
    // Answers in flight are finished, and the loop is stopped. A second time does not wait for them.
    void end();

    // The program's part of what is told.
    void program_ready();
    void program_status(const std::string& text) { tell("STATUS=" + text); }
    // Unless it is called again within this time, the supervisor is asked to kill the process; 0: that is over.
    void program_alive(std::chrono::milliseconds patience);

    engine::Engine& engine() noexcept { return backend_.engine(); }
    const engine::Error& failure() const noexcept { return backend_.failure(); }
    int exit_code() const noexcept { return exit_code_; }

  private:
    void engine_changed(engine::State state);
    void become_ready();
    void engine_failed();
    void stop_accepting();
    void beat();
    void miss_program();
    void refuse(const std::string& reason);
    void tell(std::string_view lines) const;

    const Surroundings surroundings_;
    const Program program_;
    // For the last bytes to be taken, and as much again for the engine to end: the supervisor does not wait longer
    // than it has told us.
    const std::chrono::milliseconds flush_;
    int exit_code_;
    bool is_stopping_ = false;
    bool is_loaded_ = false;
    bool is_awaited_; // by READY: the program
    EngineBackend backend_;
    http::Api api_;
    std::unique_ptr<rules::Rules> rules_; // null: there are none
    const http::Entrance entrance_;
    http::Server server_;
    // Half of what our supervisor waits for, as sd_watchdog_enabled(3) advises; 0: it does not wait.
    const base::Nanoseconds heartbeat_interval_;
    http::Timer heartbeat_;
    base::Nanoseconds last_beat_{};
    http::Timer program_overdue_;
    http::Timer drained_;
    http::Timer flushed_;
};

} // namespace vb::runtime
