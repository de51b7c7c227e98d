// The client against the server, over a socket of the real kernel; and against servers that make no sense.
#include "control/client.h"

#include "control/sample_machine.h"
#include "control/server.h"
#include "sys/native_kernel.h"

#include <algorithm>
#include <atomic>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <thread>

namespace {

using namespace vb;

class ClientTest : public ::testing::Test {
  protected:
    ClientTest() {
        char pattern[] = "/tmp/vb-client-XXXXXX";
        folder = ::mkdtemp(pattern);
        path = folder + "/control.sock";
    }
    ~ClientTest() override {
        ::unlink(path.c_str());
        ::rmdir(folder.c_str());
    }

    sys::NativeKernel kernel;
    std::string folder;
    std::string path;
};

// The loop of PID 1 on a thread of its own.
class ServedClientTest : public ClientTest {
  protected:
    ServedClientTest() {
        machine.changed = [this](const control::Unit& unit) { server.publish(unit); };
        EXPECT_TRUE(server.open(poll->get(), path.c_str()));
        EXPECT_TRUE(kernel.watch(poll->get(), stop.get()));
        thread = std::thread([this] {
            while (true) {
                const auto fd = kernel.wait(poll->get());
                if (fd == stop.get()) { return; }
                if (fd) { server.handle(*fd); }
            }
        });
    }
    ~ServedClientTest() override {
        EXPECT_EQ(::eventfd_write(stop.get(), 1), 0);
        thread.join();
    }
    control::Client client() {
        auto connected = control::Client::connect(path);
        EXPECT_TRUE(connected) << connected.error().text;
        return std::move(*connected);
    }

    sample::SampleMachine machine;
    base::Log log{-1, "test"};
    control::Server server{kernel, machine, log, "0.1.0"};
    base::Result<base::UniqueFd> poll = kernel.open_poll();
    base::UniqueFd stop{::eventfd(0, EFD_CLOEXEC)};
    std::thread thread;
};

TEST_F(ServedClientTest, ReadsTheStatus) {
    const auto report = client().status();
    ASSERT_TRUE(report) << report.error().text;
    EXPECT_EQ(report->overview.version, "0.1.0");
    EXPECT_EQ(report->overview.place, control::Place::container);
    EXPECT_EQ(report->overview.state, control::State::degraded);
    EXPECT_EQ(report->overview.uptime, std::chrono::milliseconds(1500));
    EXPECT_EQ(report->overview.boot_time, std::chrono::milliseconds(129));
    ASSERT_EQ(report->units.size(), 3U);
    EXPECT_EQ(report->units[0].process, 41);
    EXPECT_EQ(report->units[0].memory, std::uint64_t{300} << 20);
    EXPECT_EQ(report->units[0].status, "serving SmolLM2 on 127.0.0.1:8080");
    EXPECT_EQ(report->units[2].state, control::UnitState::failed);
    EXPECT_EQ(report->units[2].restarts, 5U);
    EXPECT_EQ(report->units[2].last_exit, "was killed by SIGSEGV");
    EXPECT_EQ(report->units[2].process, std::nullopt);
    EXPECT_TRUE(report->json.starts_with("{\"version\""));
}

TEST_F(ServedClientTest, AsksEverythingOnOneConnection) {
    auto one = client();
    EXPECT_TRUE(one.start("sshd"));
    EXPECT_TRUE(one.restart("sshd"));
    EXPECT_TRUE(one.stop("sshd"));
    EXPECT_EQ(one.reload().value(), (std::vector<std::string>{"runtime", "sshd", "dhcp"}));
    EXPECT_TRUE(one.set_log_level("debug"));
    for (const auto ending : {control::Ending::power_off, control::Ending::reboot, control::Ending::halt}) {
        EXPECT_TRUE(one.end(ending));
    }
    EXPECT_TRUE(one.status()); // after which the thread has written all of it
    EXPECT_EQ(machine.asked, (std::vector<std::string>{"start sshd", "restart sshd", "stop sshd", "reload",
                                                       "log level debug", "power off", "reboot", "halt"}));
}

TEST_F(ServedClientTest, TellsErrorsApart) {
    auto one = client();
    const auto unknown = one.start("nothing");
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().trouble, control::Trouble::no_such_unit);
    EXPECT_EQ(unknown.error().text, "there is no unit nothing");
    const auto level = one.set_log_level("loud");
    ASSERT_FALSE(level);
    EXPECT_EQ(level.error().trouble, control::Trouble::refused);
    EXPECT_EQ(level.error().text, "this level is not valid");
    EXPECT_EQ(one.start("a \"quoted\" name").error().text, "this unit is not valid");
}

TEST_F(ServedClientTest, WatchesUntilItHasSeenEnough) {
    int seen = 0;
    const auto watched = client().watch([&](const control::Unit& unit, std::string_view json) {
        ++seen;
        if (seen == 3) { EXPECT_TRUE(client().start("sshd")); }
        if (seen == 5) {
            EXPECT_EQ(unit.name, "sshd");
            EXPECT_EQ(unit.state, control::UnitState::ready);
            EXPECT_TRUE(json.starts_with("{\"unit\""));
        }
        return seen < 5;
    });
    EXPECT_TRUE(watched);
    EXPECT_EQ(seen, 5);
}

// A client each time: slow ones in between do not keep the others waiting.
TEST_F(ServedClientTest, ManyClientsAtOnce) {
    std::vector<std::thread> threads;
    std::atomic<int> answered = 0;
    for (int count = 0; count < 8; ++count) {
        threads.emplace_back([this, &answered] {
            for (int round = 0; round < 50; ++round) {
                auto one = control::Client::connect(path);
                if (one && one->status()) { ++answered; }
            }
        });
    }
    for (std::thread& one : threads) {
        one.join();
    }
    EXPECT_EQ(answered, 400);
}

TEST_F(ClientTest, SaysThatNobodyListens) {
    const auto missing = control::Client::connect(path);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().trouble, control::Trouble::unreachable);
    EXPECT_TRUE(missing.error().text.contains(path + ": No such file or directory"));
    { const auto listener = kernel.listen_unix(path.c_str(), 0600, {}); }
    const auto abandoned = control::Client::connect(path);
    ASSERT_FALSE(abandoned);
    EXPECT_EQ(abandoned.error().trouble, control::Trouble::unreachable);
    EXPECT_FALSE(control::Client::connect(std::string(200, 'x')));
}

TEST_F(ClientTest, SurvivesAServerThatMakesNoSense) {
    const auto listener = kernel.listen_unix(path.c_str(), 0600, {});
    ASSERT_TRUE(listener);
    using namespace std::string_view_literals;
    for (const std::string_view answer :
         {"\0"sv, "{}\0"sv, "nonsense\0"sv, "{\"parameters\":{\"units\":5}}\0"sv, "{\"parameters\":"sv, ""sv,
          "{\"parameters\":{\"state\":\"new\"}}\0"sv}) {
        auto client = control::Client::connect(path);
        ASSERT_TRUE(client);
        auto accepted = kernel.accept(listener->get());
        ASSERT_TRUE(accepted);
        if (!answer.empty()) { ASSERT_EQ(kernel.send_part(accepted->socket.get(), answer), answer.size()); }
        std::thread hanging_up([&] {
            char buffer[256];
            while (!kernel.receive_part(accepted->socket.get(), buffer)) {
                std::this_thread::yield();
            }
            accepted->socket.reset();
        });
        const auto report = client->status();
        hanging_up.join();
        if (answer == "{}\0"sv) {
            EXPECT_TRUE(report); // an older server may say less
        } else {
            ASSERT_FALSE(report) << answer;
            EXPECT_EQ(report.error().trouble, control::Trouble::broken);
        }
    }
}

} // namespace
