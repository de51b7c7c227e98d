// PID 1's whole life on a simulated kernel: what its tests share.
#pragma once

#include "init/init.h"

#include "unit/init/simulated_kernel.h"

#include <csignal>
#include <fcntl.h>
#include <gtest/gtest.h>

namespace vb {

using namespace std::chrono_literals;
using init::Place;
using simulation::SimulatedKernel;

constexpr int exited(int code) { return code << 8; }

class InitTest : public ::testing::Test {
  protected:
    void TearDown() override { EXPECT_FALSE(kernel.ran_dry) << "PID 1 slept with nothing to wake it"; }

    int run(Place place) {
        kernel.own_process_id = place == Place::process ? 77 : 1;
        kernel.initial_namespace = place == Place::machine;
        char* environment[] = {path_variable, notify_variable, nullptr};
        init::Init init(kernel, timeline, log, config,
                        {.place = place,
                         .version = "1",
                         .source = &source,
                         .runtime = "/bin/runtime",
                         .ip_word = ip_word,
                         .environment = environment},
                        std::move(*kernel.open_signals()));
        set_up = init.set_up();
        return set_up ? init.run() : -1;
    }
    // Each start becomes ready after 50 ms and then dies of `status` after `life`, `times` times over.
    void crash(int times, base::Nanoseconds life, int status) {
        kernel.on_spawn = [this, times, life, status, count = 0](pid_t process) mutable {
            kernel.after(50ms, [this, process] { kernel.notify(process, "READY=1"); });
            if (count++ < times) {
                kernel.after(50ms + life, [this, process, status] { kernel.die(process, status); });
            } else {
                kernel.after(1s, [this] { kernel.raise(SIGTERM); });
            }
        };
    }
    std::vector<base::Nanoseconds> pauses() const { // from one start to the next
        std::vector<base::Nanoseconds> all;
        for (std::size_t index = 1; index < kernel.spawn_times.size(); ++index) {
            all.push_back(kernel.spawn_times[index] - kernel.spawn_times[index - 1]);
        }
        return all;
    }

    // What a reload reads.
    struct Source final : init::ConfigurationSource {
        base::Result<config::Config> read() noexcept override { return next; }
        base::Result<config::Config> next;
    };

    SimulatedKernel kernel;
    Source source;
    config::Config config;
    trace::Timeline timeline;
    base::UniqueFd log_file{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
    base::Log log{log_file.get(), "test"};
    std::string_view ip_word;
    base::Result<> set_up;
    char path_variable[16] = "PATH=/bin";
    char notify_variable[32] = "NOTIFY_SOCKET=/run/outer";
};

} // namespace vb
