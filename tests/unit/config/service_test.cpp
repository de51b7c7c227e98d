// [[service]]: its keys, and the words in which a fault is told.
#include "config/service.h"
#include "config/toml.h"

#include <gtest/gtest.h>

namespace {

using namespace vb::config;
namespace base = vb::base;

TEST(ServicesTest, AreReadWithAllTheirKeys) {
    Config config;
    const auto read = read_toml(R"([[service]]
name = "net"
command = ["/usr/sbin/dhcpcd", "-B"]
type = "oneshot"

[[service]]
name = "ssh"
command = ["/usr/sbin/sshd", "-D"]
user = "nobody"
environment = ["A=1", "B="]
after = ["net", "runtime"]
ready = "notify"
restart = "always"
memory = "64M"
cpus = 0.5
limits = { nofile = 1024, core = 0 }
capabilities = ["CAP_NET_BIND_SERVICE", "net_admin"]
no_new_privileges = true
sockets = ["127.0.0.1:22"]

[[mount]]
source = "/dev/vda"
target = "/data"
type = "ext4"

[sysctl]
"vm.swappiness" = "10"
)",
                                "c.toml", config);
    ASSERT_TRUE(read) << base::describe(read.error().error).view();
    ASSERT_EQ(config.service.size(), 2U);
    EXPECT_EQ(config.service[0].type, ServiceType::oneshot);
    EXPECT_FALSE(config.service[0].capabilities);
    EXPECT_EQ(config.service[1].after, (std::vector<std::string>{"net", "runtime"}));
    EXPECT_EQ(config.service[1].limits.at("nofile"), 1024U);
    EXPECT_EQ(config.service[1].capabilities->size(), 2U);
    EXPECT_EQ(config.mount.at(0).target, "/data");
    EXPECT_EQ(config.sysctl.at("vm.swappiness"), "10");
}

struct ServiceFaultCase {
    const char* keys;
    const char* expected; // of the message, from the line on
};
class ServiceFaults : public ::testing::TestWithParam<ServiceFaultCase> {};

TEST_P(ServiceFaults, NameTheLineOfTheRightService) {
    const std::string text =
        std::string("[[service]]\nname = \"a\"\ncommand = [\"/a\"]\n[[service]]\nname = \"b\"\n") +
        GetParam().keys + "\n[log]\nlevel = \"info\"\n";
    Config config;
    const auto read = read_toml(text, "c", config);
    ASSERT_FALSE(read);
    EXPECT_EQ(std::string(base::describe(read.error().error).view())
                  .rfind("read c: " + std::string(GetParam().expected), 0),
              0U)
        << base::describe(read.error().error).view();
}

INSTANTIATE_TEST_SUITE_P(
    All, ServiceFaults,
    ::testing::Values(
        ServiceFaultCase{"", "line 4: `[[service]]`: it needs command in [service]"},
        ServiceFaultCase{"command = [\"b\"]",
                         "line 6: `command = [\"b\"]`: expected command in [service] to be program"},
        ServiceFaultCase{"command = [\"/b\"]\nafter = [\"c\"]",
                         "line 7: `after = [\"c\"]`: expected after in [service] to be names"},
        ServiceFaultCase{"command = [\"/b\"]\nafter = [\"b\"]",
                         "line 7: `after = [\"b\"]`: expected after in [service] to be services that"},
        ServiceFaultCase{"command = [\"/b\"]\nmemory = \"lots\"",
                         "line 7: `memory = \"lots\"`: expected memory"},
        ServiceFaultCase{"command = [\"/b\"]\ncpus = -1", "line 7: `cpus = -1`: expected cpus"},
        ServiceFaultCase{"command = [\"/b\"]\nlimits = { files = 1 }",
                         "line 7: `limits = { files = 1 }`: expected limits"},
        ServiceFaultCase{"command = [\"/b\"]\ncapabilities = [\"ALL\"]",
                         "line 7: `capabilities = [\"ALL\"]`: expected"},
        ServiceFaultCase{"command = [\"/b\"]\nstop_signal = \"STOP IT\"",
                         "line 7: `stop_signal = \"STOP IT\"`: expected"},
        ServiceFaultCase{"command = [\"/b\"]\nsockets = [\"22\"]",
                         "line 7: `sockets = [\"22\"]`: expected sockets"},
        ServiceFaultCase{"command = [\"/b\"]\nenvironment = [\"=x\"]",
                         "line 7: `environment = [\"=x\"]`: expected"},
        ServiceFaultCase{"command = [\"/b\"]\nready = \"maybe\"",
                         "line 7: `ready = \"maybe\"`: expected ready in [service] to be \"none\""},
        ServiceFaultCase{"command = [\"/b\"]\nuseer = \"x\"",
                         "line 7: `useer = \"x\"`: unknown key useer; [service] has name, command"}));

TEST(ServicesTest, AWaitInACircleIsFound) {
    std::vector<Service> services(3);
    const char* const names[] = {"a", "b", "c"};
    for (std::size_t index = 0; index < 3; ++index) {
        services[index].name = names[index];
        services[index].command = {"/bin/true"};
        services[index].after = {names[(index + 1) % 3]};
    }
    const auto fault = find_fault(services);
    ASSERT_TRUE(fault);
    EXPECT_STREQ(fault->key, "after");
    services[2].after = {"runtime"};
    EXPECT_FALSE(find_fault(services));
    services[0].after = {"c"};
    services[1].name = "a";
    EXPECT_STREQ(find_fault(services)->key, "name");
}

TEST(ServicesTest, SizesAndNames) {
    EXPECT_EQ(parse_size("4096"), 4096U);
    EXPECT_EQ(parse_size("64M"), 64U << 20);
    EXPECT_EQ(parse_size("1G"), 1U << 30);
    for (const char* const none : {"", "M", "0", "-1", "1.5G", "64m", "9999999999999T"}) {
        EXPECT_FALSE(parse_size(none)) << none;
    }
    EXPECT_EQ(parse_capability("CAP_CHOWN"), 0U);
    EXPECT_EQ(parse_capability("checkpoint_restore"), 40U);
    EXPECT_FALSE(parse_capability("CAP_ALL"));
}

} // namespace
