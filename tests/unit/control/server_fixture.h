// A control server over simulated sockets, and a sample machine behind it.
#pragma once

#include "control/sample_machine.h"
#include "control/server.h"
#include "unit/init/simulated_kernel.h"

#include <gtest/gtest.h>

namespace vb {

inline constexpr gid_t control_group = 77;
inline constexpr std::string_view done = R"({"parameters":{}})"; // the reply of a method without results

class ServerTest : public ::testing::Test {
  protected:
    ServerTest() {
        EXPECT_TRUE(server.open(0, "/run/control.sock"));
        machine.changed = [this](const control::Unit& unit) { server.publish(unit); };
    }
    // The loop of PID 1, until there is nothing left to do. A server that spins never gets there.
    void run() {
        int turns = 0;
        while (const auto fd = sockets.ready()) {
            ASSERT_LT(++turns, 20000) << "the loop spins";
            ASSERT_TRUE(server.handle(*fd));
        }
    }
    simulation::SimulatedClient& connect(uid_t user = 0, std::set<gid_t> groups = {}) {
        auto& client = sockets.connect(user, std::move(groups));
        run();
        return client;
    }
    static std::string message(std::string_view json) { return std::string(json) + '\0'; }
    static std::string call(std::string_view method, std::string_view more = "") {
        return message("{\"method\":\"" + std::string(method) + "\"" + std::string(more) + "}");
    }
    // The only reply to `bytes` on a connection of its own.
    std::string ask(const std::string& bytes, uid_t user = 0, std::set<gid_t> groups = {}) {
        auto& client = connect(user, std::move(groups));
        client.sends.push_back(bytes);
        run();
        const auto replies = client.take_messages();
        EXPECT_TRUE(client.received.empty());
        EXPECT_FALSE(client.was_dropped);
        client.has_gone = true;
        run();
        EXPECT_TRUE(client.was_dropped);
        EXPECT_EQ(replies.size(), 1U);
        return replies.empty() ? "" : replies.front();
    }
    std::string ask_method(const std::string& method, std::string_view parameters = "{}") {
        return ask(call("io.vectorboot.Control." + method, ",\"parameters\":" + std::string(parameters)));
    }

    simulation::SimulatedKernel kernel;
    simulation::SimulatedUnixSockets& sockets = kernel.unix_sockets;
    sample::SampleMachine machine;
    base::Log log{-1, "test"};
    control::Server server{kernel, machine, log, "0.1.0", control_group};
};

} // namespace vb
