#include "runtime/python_host.h"

#include "capi/awaited.h"
#include "capi/host.h"
#include "runtime/passed.h"
#include "runtime/runtime.h"
#include "trace/export.h"

#include <csignal>
#include <cstdlib>
#include <future>
#include <pthread.h>
#include <thread>
#include <unistd.h>

namespace vb::runtime {

namespace {

class PythonHost final : public capi::Host {
  public:
    PythonHost(const Service::Surroundings& surroundings, std::vector<base::UniqueFd> sockets)
        : surroundings_(surroundings), sockets_(std::move(sockets)),
          overdue_(surroundings.loop, [this] { give_up(); }),
          service_(surroundings, {.settled = [this](engine::State state) { settled_.bring(state); },
                                  .failed = [this] { interrupt_program(); },
                                  .says_ready = surroundings.options.says_ready}),
          thread_([this] { run_loop(); }) {
        capi::set_host(this);
    }
    ~PythonHost() {
        surroundings_.mailbox.post([this] { end(); });
        thread_.join();
        capi::set_host(nullptr);
    }
    PythonHost(const PythonHost&) = delete;
    PythonHost& operator=(const PythonHost&) = delete;

    bool has_failed() { return settled_.wait_for(std::chrono::milliseconds(0)) && is_failed(); }

    engine::Engine& engine() noexcept override { return service_.engine(); }
    bool wait_until_settled(std::chrono::milliseconds patience) override {
        return settled_.wait_for(patience);
    }
    void ready() override {
        surroundings_.mailbox.post([this] { service_.program_ready(); });
    }
    void set_status(std::string_view text) override {
        surroundings_.mailbox.post([this, line = std::string(text)] { service_.program_status(line); });
    }
    void alive(std::chrono::milliseconds patience) override {
        surroundings_.mailbox.post([this, patience] { service_.program_alive(patience); });
    }
    std::string device(std::string_view name) const override {
        const auto& devices = surroundings_.options.devices;
        const auto known = devices.find(name);
        return known == devices.end() ? std::string() : known->second;
    }
    std::string timeline() const override { return trace::export_chrome(surroundings_.timeline); }
    base::Result<> serve() override {
        std::promise<base::Result<>> promise;
        auto serving = promise.get_future();
        surroundings_.mailbox.post([this, promise = std::move(promise)] mutable {
            promise.set_value(service_.serve(std::exchange(sockets_, {})));
        });
        return serving.get();
    }

  private:
    bool is_failed() noexcept { return service_.engine().state() == engine::State::failed; }

    void run_loop() {
        service_.begin_telling();
        if (const auto ran = surroundings_.loop.run(); !ran) {
            surroundings_.log.error(base::describe(ran.error()));
            ::_exit(set_up_failed); // nobody would hear of the engine any more
        }
    }
    // The program cannot go on: it gets SIGTERM, as in any other end, and as much time.
    void interrupt_program() {
        // NOLINTNEXTLINE(bugprone-bad-signal-to-kill-thread): which has Python's handler, or waits blocked for it
        ::pthread_kill(main_thread_, SIGTERM);
        overdue_.start(surroundings_.options.drain);
    }
    void give_up() {
        surroundings_.log.error("the program did not end in time");
        ::_exit(engine_failed);
    }
    void end() {
        overdue_.stop();
        service_.end();
    }

    const Service::Surroundings surroundings_;
    const pthread_t main_thread_ = ::pthread_self();
    std::vector<base::UniqueFd> sockets_; // the loop's
    capi::Awaited<engine::State> settled_;
    http::Timer overdue_;
    Service service_;
    std::thread thread_; // the last member: it uses all others
};

} // namespace

base::Result<int> host_program(const Service::Surroundings& surroundings,
                               std::vector<base::UniqueFd> sockets) {
    const Options& options = surroundings.options;
    if (!options.directory.empty() && ::chdir(options.directory.c_str()) != 0) {
        return base::system_error("go to the directory", options.directory);
    }
    PythonHost host(surroundings, std::move(sockets));
    forget_passed();
    const auto status = interpreter::run(*options.program, surroundings.timeline);
    if (host.has_failed()) { return engine_failed; }
    if (status) { surroundings.log.info("the program ended with status ", *status); }
    return status;
}

} // namespace vb::runtime
