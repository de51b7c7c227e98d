// Every method and every error of the interface, as bytes.
#include "unit/control/server_fixture.h"

#include <fstream>
#include <iterator>

namespace {

using namespace vb;
using namespace std::string_view_literals;

std::string invalid(std::string_view parameter) {
    return R"({"error":"org.varlink.service.InvalidParameter","parameters":{"parameter":")" +
           std::string(parameter) + R"("}})";
}

using MethodsTest = ServerTest;

TEST_F(MethodsTest, GetInfo) {
    EXPECT_EQ(ask(call("org.varlink.service.GetInfo")),
              R"({"parameters":{"vendor":"vector_boot","product":"vector_boot","version":"0.1.0","url":"",)"
              R"("interfaces":["org.varlink.service","io.vectorboot.Control"]}})");
}

TEST_F(MethodsTest, GetInterfaceDescriptionGivesTheFile) {
    std::ifstream file(VB_SOURCE_DIR "/src/control/io.vectorboot.Control.varlink");
    std::string text{std::istreambuf_iterator<char>(file), {}};
    for (std::size_t at = 0; (at = text.find_first_of("\n\"", at)) != std::string::npos; at += 2) {
        text[at] = text[at] == '\n' ? 'n' : '"';
        text.insert(at, "\\");
    }
    EXPECT_EQ(ask(call("org.varlink.service.GetInterfaceDescription",
                       R"(,"parameters":{"interface":"io.vectorboot.Control"})")),
              R"({"parameters":{"description":")" + text + "\"}}");
}

TEST_F(MethodsTest, GetInterfaceDescriptionOfNothing) {
    EXPECT_EQ(
        ask(call("org.varlink.service.GetInterfaceDescription",
                 R"(,"parameters":{"interface":"io.systemd.Resolve"})")),
        R"({"error":"org.varlink.service.InterfaceNotFound","parameters":{"interface":"io.systemd.Resolve"}})");
    EXPECT_EQ(ask(call("org.varlink.service.GetInterfaceDescription")), invalid("interface"));
}

TEST_F(MethodsTest, Status) {
    EXPECT_EQ(
        ask_method("Status"),
        R"({"parameters":{"version":"0.1.0","place":"container","state":"degraded","uptime_ms":1500,"boot_ms":129,)"
        R"("units":[{"name":"runtime","kind":"runtime","state":"ready","pid":41,"restarts":0,"since_ms":129,)"
        R"("status":"serving SmolLM2 on 127.0.0.1:8080","memory_bytes":314572800,)"
        R"("confinement":{"user":65520,"capabilities":0,"no_new_privileges":true,"seccomp":true,"landlock_abi":7}},)"
        R"({"name":"sshd","kind":"service","state":"stopped","restarts":0,"since_ms":0},)"
        R"({"name":"dhcp","kind":"service","state":"failed","restarts":5,"since_ms":2500,)"
        R"("last_exit":"was killed by SIGSEGV"}]}})");
}

TEST_F(MethodsTest, StatusOfManyUnitsAndOfNone) {
    const control::Unit unit = machine.units[0];
    machine.units.assign(500, unit);
    EXPECT_GT(ask_method("Status").size(), 50000U);
    machine.units.clear();
    EXPECT_TRUE(ask_method("Status").ends_with(R"("units":[]}})"));
}

TEST_F(MethodsTest, StatusThatIsTooLongCostsTheConnection) {
    const control::Unit unit = machine.units[0];
    machine.units.assign(5000, unit);
    auto& client = connect();
    client.sends.push_back(call("io.vectorboot.Control.Status"));
    run();
    EXPECT_TRUE(client.was_dropped);
    EXPECT_EQ(client.received, "");
}

TEST_F(MethodsTest, WhatAServiceSaysOfItselfIsMadeValid) {
    machine.units.resize(1);
    // A quote, a backslash; not UTF-8; control characters; 2, 3 and 4 bytes; half a surrogate pair; DEL.
    machine.units[0].status =
        "\" \\|\xff\xc3|\x01\n\0|\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80|\xed\xa0\x80|\x7f|"sv;
    const std::string expected = "\"status\":\"\\\" \\\\|" + std::string(2, '?') +
                                 "|   |\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80|" + std::string(3, '?') + "| |\"";
    const std::string status = ask_method("Status");
    EXPECT_TRUE(status.contains(expected)) << status;
}

TEST_F(MethodsTest, StartStopRestart) {
    EXPECT_EQ(ask_method("Start", R"({"unit":"sshd"})"), done);
    EXPECT_EQ(ask_method("Stop", R"({"unit":"sshd"})"), done);
    EXPECT_EQ(ask_method("Restart", R"({"unit":"runtime"})"), done);
    EXPECT_EQ(machine.asked, (std::vector<std::string>{"start sshd", "stop sshd", "restart runtime"}));
}

TEST_F(MethodsTest, NoSuchUnit) {
    for (const char* const method : {"Start", "Stop", "Restart"}) {
        EXPECT_EQ(ask_method(method, R"({"unit":"no@such-unit.1"})"),
                  R"({"error":"io.vectorboot.Control.NoSuchUnit","parameters":{"unit":"no@such-unit.1"}})");
    }
}

TEST_F(MethodsTest, Failed) {
    machine.refusal = "line 3: \"x\"";
    const std::string failed =
        R"({"error":"io.vectorboot.Control.Failed","parameters":{"text":"line 3: \"x\""}})";
    EXPECT_EQ(ask_method("Start", R"({"unit":"sshd"})"), failed);
    for (const char* const method : {"Reload", "PowerOff", "Reboot", "Halt"}) {
        EXPECT_EQ(ask_method(method), failed);
    }
}

TEST_F(MethodsTest, Reload) {
    EXPECT_EQ(ask_method("Reload"), R"({"parameters":{"changed":["runtime","sshd","dhcp"]}})");
    machine.units.clear();
    EXPECT_EQ(ask_method("Reload"), R"({"parameters":{"changed":[]}})");
}

TEST_F(MethodsTest, PowerOffRebootHalt) {
    for (const char* const method : {"PowerOff", "Reboot", "Halt"}) {
        EXPECT_EQ(ask_method(method), done);
    }
    EXPECT_EQ(machine.asked, (std::vector<std::string>{"power off", "reboot", "halt"}));
}

TEST_F(MethodsTest, SetLogLevel) {
    EXPECT_EQ(ask_method("SetLogLevel", R"({"level":"debug"})"), done);
    EXPECT_EQ(machine.asked, (std::vector<std::string>{"log level debug"}));
    EXPECT_EQ(ask_method("SetLogLevel", R"({"level":"verbose"})"), invalid("level"));
}

TEST_F(MethodsTest, ParametersAreStrict) {
    for (const char* const parameters :
         {"{}", R"({"unit":5})", R"({"unit":null})", R"({"unit":["sshd"]})", R"({"unit":""})",
          R"({"unit":"../x"})", R"({"unit":"a b"})", R"({"unit":"a\u0000b"})", R"({"Unit":"sshd"})"}) {
        EXPECT_EQ(ask_method("Start", parameters), invalid("unit")) << parameters;
    }
    EXPECT_EQ(ask_method("Start", "{\"unit\":\"" + std::string(300, 'x') + "\"}"), invalid("unit"));
    for (const char* const parameters : {"5", "[]", "\"unit\"", "true"}) {
        EXPECT_EQ(ask_method("Status", parameters), invalid("parameters")) << parameters;
    }
    EXPECT_TRUE(machine.asked.empty());
}

TEST_F(MethodsTest, UnknownFieldsAreLeftAlone) {
    EXPECT_EQ(ask(message(R"({"future":{"a":[1,2,{"b":null}]},"method":"io.vectorboot.Control.Start",)"
                          R"("parameters":{"unit":"sshd","wait":true},"continues":1})")),
              done);
    EXPECT_EQ(ask(call("io.vectorboot.Control.Halt", R"(,"parameters":null)")), done);
}

TEST_F(MethodsTest, UnknownMethodsAndInterfaces) {
    EXPECT_EQ(
        ask_method("Explode"),
        R"({"error":"org.varlink.service.MethodNotFound","parameters":{"method":"io.vectorboot.Control.Explode"}})");
    EXPECT_EQ(
        ask(call("org.varlink.service.Explode")),
        R"({"error":"org.varlink.service.MethodNotFound","parameters":{"method":"org.varlink.service.Explode"}})");
    EXPECT_EQ(
        ask(call("io.vectorboot.control.Status")),
        R"({"error":"org.varlink.service.InterfaceNotFound","parameters":{"interface":"io.vectorboot.control"}})");
}

TEST_F(MethodsTest, UpgradeIsRefused) {
    EXPECT_EQ(ask(call("io.vectorboot.Control.Halt", R"(,"upgrade":true)")), invalid("upgrade"));
    EXPECT_TRUE(machine.asked.empty());
}

TEST_F(MethodsTest, OnewayGetsNoReply) {
    EXPECT_EQ(ask(call("io.vectorboot.Control.Reload", R"(,"oneway":true)") +
                  call("io.vectorboot.Control.Explode", R"(,"oneway":true)") +
                  call("io.vectorboot.Control.Watch", R"(,"oneway":true,"more":true)") +
                  call("io.vectorboot.Control.Halt")),
              done);
    EXPECT_EQ(machine.asked, (std::vector<std::string>{"reload", "halt"}));
}

TEST_F(MethodsTest, MoreIsNoMoreThanOneWhereThereIsOne) {
    EXPECT_EQ(ask(call("io.vectorboot.Control.Halt", R"(,"more":true)")), done);
}

TEST_F(MethodsTest, WatchNeedsMore) {
    EXPECT_EQ(ask_method("Watch"), R"({"error":"org.varlink.service.ExpectedMore","parameters":{}})");
}

TEST_F(MethodsTest, WatchTellsTheStateAndThenTheChanges) {
    auto& watcher = connect();
    watcher.sends.push_back(call("io.vectorboot.Control.Watch", R"(,"more":true)"));
    run();
    const auto first = watcher.take_messages();
    ASSERT_EQ(first.size(), 3U);
    EXPECT_EQ(first[1],
              R"({"parameters":{"unit":{"name":"sshd","kind":"service","state":"stopped","restarts":0,)"
              R"("since_ms":0}},"continues":true})");
    EXPECT_EQ(ask_method("Start", R"({"unit":"sshd"})"), done);
    const auto changes = watcher.take_messages();
    ASSERT_EQ(changes.size(), 2U);
    EXPECT_EQ(changes[1],
              R"({"parameters":{"unit":{"name":"sshd","kind":"service","state":"ready","pid":100,)"
              R"("restarts":0,"since_ms":1500}},"continues":true})");
    EXPECT_FALSE(watcher.was_dropped);
}

class AccessTest : public MethodsTest {
  protected:
    static bool is_denied(const std::string& reply) {
        return reply == R"({"error":"org.varlink.service.PermissionDenied","parameters":{}})";
    }
};

TEST_F(AccessTest, RootMayAskEverything) { EXPECT_EQ(ask(call("io.vectorboot.Control.Halt"), 0), done); }

TEST_F(AccessTest, OthersMayAskOnlyWhatItIs) {
    for (const char* const method : {"Status", "Start", "Stop", "Restart", "Reload", "PowerOff", "Reboot",
                                     "Halt", "SetLogLevel", "Watch"}) {
        const auto bytes = call("io.vectorboot.Control." + std::string(method),
                                R"(,"more":true,"parameters":{"unit":"sshd","level":"debug"})");
        EXPECT_TRUE(is_denied(ask(bytes, 1000, {5, 6}))) << method;
    }
    EXPECT_TRUE(machine.asked.empty());
    EXPECT_TRUE(ask(call("org.varlink.service.GetInfo"), 1000).starts_with(R"({"parameters")"));
}

TEST_F(AccessTest, MembersOfTheGroupMayAskEverything) {
    EXPECT_EQ(ask(call("io.vectorboot.Control.Halt"), 1000, {5, control_group}), done);
    EXPECT_EQ(ask(call("io.vectorboot.Control.Halt"), control_group), done); // as its own group
    EXPECT_EQ(sockets.mode, 0660U);
    EXPECT_EQ(sockets.group, control_group);
}

TEST_F(AccessTest, WithoutAGroupTheSocketIsForOneUser) {
    control::Server alone(kernel, machine, log, "0.1.0");
    ASSERT_TRUE(alone.open(0, "/run/other.sock"));
    EXPECT_EQ(sockets.mode, 0600U);
    EXPECT_EQ(sockets.group, std::nullopt);
}

TEST_F(AccessTest, TheUserOfPid1CountsAsRoot) {
    kernel.own_user_id = 1000;
    EXPECT_EQ(ask(call("io.vectorboot.Control.Halt"), 1000), done);
    EXPECT_EQ(ask(call("io.vectorboot.Control.Halt"), 0), done);
    EXPECT_TRUE(is_denied(ask(call("io.vectorboot.Control.Halt"), 1001)));
}

} // namespace
