// Services on a simulated kernel: order, readiness, restarts, ends.
#include "init/services.h"

#include "unit/init/simulated_kernel.h"

#include <csignal>
#include <fcntl.h>
#include <gtest/gtest.h>

namespace {

using namespace std::chrono_literals;
using namespace vb;
using simulation::SimulatedKernel;
using State = init::Service::State;

constexpr int exited(int code) { return code << 8; }

class ServicesTest : public ::testing::Test {
  protected:
    config::Service& add(const char* name) {
        configured.push_back({.name = name,
                              .command = {std::string("/bin/") + name},
                              .user = {},
                              .group = {},
                              .environment = {},
                              .directory = {},
                              .after = {},
                              .memory = {},
                              .limits = {},
                              .capabilities = {},
                              .sockets = {}});
        return configured.back();
    }
    void start() {
        services.configure(configured);
        services.advance();
    }
    State state(const char* name) { return services.find(name)->state(); }
    pid_t process(const char* name) { return services.find(name)->process(); }
    bool was_started(const char* name) { return kernel.has_called(std::string("spawn /bin/") + name); }
    void die(const char* name, int status) { services.died({.process = process(name), .status = status}); }
    // The next deadline comes.
    void wait_for_deadline() {
        ASSERT_TRUE(services.deadline());
        kernel.advance_to(*services.deadline());
        services.check_deadlines(kernel.now());
    }

    SimulatedKernel kernel;
    base::UniqueFd log_file{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
    base::Log log{log_file.get(), "test"};
    char path_variable[16] = "PATH=/bin";
    char* environment[2] = {path_variable, nullptr};
    init::Service::Surroundings surroundings{.kernel = kernel,
                                             .log = log,
                                             .poll = 0,
                                             .environment = environment,
                                             .notify_socket = "@here",
                                             .has_cgroups = false,
                                             .observer = nullptr};
    std::vector<config::Service> configured;
    init::Services services{surroundings};
};

TEST_F(ServicesTest, StartInTheirOrder) {
    add("net").type = config::ServiceType::oneshot;
    add("database").ready = config::Readiness::notify;
    add("web");
    add("last").after = {"runtime"};
    configured[1].after = {"net"};
    configured[2].after = {"database", "net"};
    start();
    EXPECT_EQ(state("net"), State::starting);
    EXPECT_EQ(state("database"), State::waiting);

    die("net", exited(0));
    EXPECT_EQ(state("net"), State::ready);
    EXPECT_EQ(state("database"), State::starting);
    EXPECT_EQ(state("web"), State::waiting);

    init::Notification notification;
    notification.ready = true;
    notification.status = "warm";
    EXPECT_TRUE(services.notified(process("database"), notification));
    EXPECT_EQ(services.find("database")->status(), "warm");
    EXPECT_EQ(state("web"), State::ready);
    EXPECT_EQ(state("last"), State::waiting);
    services.set_runtime_ready(true);
    services.advance();
    EXPECT_EQ(state("last"), State::ready);
}

TEST_F(ServicesTest, OneThatIsGivenUpHoldsNobodyUp) {
    add("first").type = config::ServiceType::oneshot;
    configured[0].limit = 2;
    add("second").after = {"first"};
    start();
    die("first", exited(1));
    EXPECT_EQ(state("first"), State::restarting);
    wait_for_deadline();
    EXPECT_FALSE(was_started("second"));
    die("first", exited(1));
    EXPECT_EQ(state("first"), State::failed);
    EXPECT_EQ(state("second"), State::ready);
}

TEST_F(ServicesTest, AProgramThatCannotBeStartedIsTriedAgainWithBackOff) {
    add("a");
    kernel.failing["spawn /bin/a"] = EAGAIN;
    start();
    EXPECT_EQ(state("a"), State::restarting);
    wait_for_deadline(); // at once
    const auto before = kernel.now();
    wait_for_deadline();
    EXPECT_EQ(kernel.now() - before, 100ms);
    kernel.failing.clear();
    wait_for_deadline();
    EXPECT_EQ(state("a"), State::ready);
    EXPECT_EQ(services.find("a")->restarts(), 3U);
}

TEST_F(ServicesTest, RestartAsTheyAreToldTo) {
    using enum config::Restart;
    struct Case {
        config::Restart restart;
        int status;
        State expected;
    };
    for (const auto& [restart, status, expected] :
         {Case{always, exited(0), State::restarting}, Case{always, SIGSEGV, State::restarting},
          Case{failure, exited(0), State::stopped}, Case{failure, exited(1), State::restarting},
          Case{never, exited(0), State::stopped}, Case{never, exited(1), State::failed}}) {
        configured.clear();
        add("a").restart = restart;
        init::Services one(surroundings);
        one.configure(configured);
        one.advance();
        one.died({.process = one.find("a")->process(), .status = status});
        EXPECT_EQ(one.find("a")->state(), expected) << static_cast<int>(restart) << " " << status;
    }
}

TEST_F(ServicesTest, ReadinessComesThroughADescriptor) {
    add("a").ready = config::Readiness::fd;
    configured[0].sockets = {"127.0.0.1:22"};
    start();
    EXPECT_EQ(state("a"), State::starting);
    EXPECT_EQ(kernel.inherited.at(0).size(), 2U);
    const auto& variables = kernel.spawned_environments.at(0);
    EXPECT_TRUE(std::ranges::contains(variables, "READY_FD=4"));
    EXPECT_TRUE(std::ranges::contains(variables, "LISTEN_FDS=1"));
    kernel.write_to_pipe("almost");
    EXPECT_TRUE(services.readable(*kernel.wait(0)));
    EXPECT_EQ(state("a"), State::starting);
    kernel.write_to_pipe("\n");
    EXPECT_TRUE(services.readable(*kernel.wait(0)));
    EXPECT_EQ(state("a"), State::ready);
    EXPECT_FALSE(services.readable(0));
}

TEST_F(ServicesTest, StopInTheReverseOfTheirOrder) {
    add("a");
    add("b").after = {"a"};
    add("c").after = {"b"};
    start();
    const pid_t a = process("a");
    const pid_t c = process("c");
    services.stop_all();
    EXPECT_EQ(state("c"), State::stopping);
    EXPECT_EQ(state("b"), State::ready);
    // It does not want to, and is killed.
    wait_for_deadline();
    EXPECT_TRUE(kernel.has_called("kill " + std::to_string(c) + " 9"));
    die("c", SIGKILL);
    EXPECT_EQ(state("b"), State::stopping);
    die("b", exited(0));
    EXPECT_TRUE(kernel.has_called("kill " + std::to_string(a) + " 15"));
    EXPECT_FALSE(services.all_stopped());
    die("a", exited(0));
    EXPECT_TRUE(services.all_stopped());
    EXPECT_FALSE(services.deadline());
}

TEST_F(ServicesTest, HurryKillsAtOnce) {
    add("a");
    start();
    const pid_t a = process("a");
    services.stop_all();
    services.hurry();
    wait_for_deadline();
    EXPECT_TRUE(kernel.has_called("kill " + std::to_string(a) + " 9"));
}

TEST_F(ServicesTest, ReloadingChangesOnlyWhatDiffers) {
    add("kept");
    add("changed");
    add("gone");
    start();
    const pid_t kept = process("kept");
    const pid_t old = process("changed");
    configured.pop_back();
    configured[1].environment = {"A=1"};
    add("added");
    std::vector<std::string> changed;
    services.reconfigure(configured, changed);
    EXPECT_EQ(changed, (std::vector<std::string>{"changed", "added", "gone"}));
    EXPECT_EQ(process("kept"), kept);
    EXPECT_EQ(state("added"), State::ready);
    EXPECT_EQ(state("changed"), State::waiting) << "two of them ran at once";
    EXPECT_TRUE(services.died({.process = old, .status = exited(0)}));
    EXPECT_EQ(state("changed"), State::ready);
    EXPECT_TRUE(std::ranges::contains(kernel.spawned_environments.back(), "A=1"));
}

TEST_F(ServicesTest, LimitsAreWrittenBeforeTheStart) {
    surroundings.has_cgroups = true;
    add("a").memory = "1M";
    configured[0].cpus = 0.25;
    start();
    EXPECT_EQ(kernel.files.at("/sys/fs/cgroup/services/a/memory.max"), "1048576");
    EXPECT_EQ(kernel.files.at("/sys/fs/cgroup/services/a/cpu.max"), "25000 100000");
    EXPECT_LT(kernel.position("open_for_writing /sys/fs/cgroup/services/a/cgroup.procs"),
              kernel.position("spawn /bin/a"));
    die("a", SIGKILL);
    EXPECT_EQ(kernel.files.at("/sys/fs/cgroup/services/a/cgroup.kill"), "1");
}

TEST_F(ServicesTest, AnUnknownUserIsAFailureOfTheService) {
    kernel.files["/etc/passwd"] = "root:x:0:0:root:/root:/bin/sh\nweb:x:33:44::/srv:/bin/false\n";
    kernel.files["/etc/group"] = "web:x:44:\nlogs:x:50:other,web\n";
    add("a").user = "nosuch";
    configured[0].limit = 1;
    add("b").user = "web";
    start();
    EXPECT_EQ(state("a"), State::failed);
    EXPECT_EQ(state("b"), State::ready);
    EXPECT_TRUE(std::ranges::contains(kernel.spawned_environments.at(0), "HOME=/srv"));
}

} // namespace
