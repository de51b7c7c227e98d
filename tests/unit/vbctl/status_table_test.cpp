#include "vbctl/status_table.h"

#include "control/sample_machine.h"

#include <gtest/gtest.h>

namespace {

using namespace vb;
using namespace std::chrono_literals;

control::Report sample_report() {
    sample::SampleMachine machine;
    control::Report report;
    report.overview = machine.overview();
    report.overview.uptime = 3min + 12s;
    report.units = machine.units;
    return report;
}

TEST(StatusTable, IsATableThatAPersonLikesToRead) {
    EXPECT_EQ(vbctl::status_table(sample_report(), false),
              R"(vector_boot 0.1.0 as PID 1 of a container: degraded, up 3 min 12 s, ready after 129 ms

UNIT     STATE    PID  SINCE       RESTARTS   MEMORY  LAST EXIT              STATUS
runtime  ready     41  3 min 11 s         0  300 MiB  -                      serving SmolLM2 on 127.0.0.1:8080
sshd     stopped    -  3 min 12 s         0        -  -                      -
dhcp     failed     -  3 min 9 s          5        -  was killed by SIGSEGV  -

runtime: user 65520, no capabilities, no_new_privs, seccomp, Landlock ABI 7
)");
}

TEST(StatusTable, SaysWhatConfinesTheRuntimeAndWhatDoesNot) {
    control::Report report = sample_report();
    report.units[0].confinement = control::Confinement{.user = 0, .capabilities = 0x21, .landlock_abi = 0};
    EXPECT_TRUE(vbctl::status_table(report, false)
                    .ends_with("\nruntime: user 0, capabilities 0x21, without no_new_privs, without seccomp, "
                               "without Landlock\n"));
    report.units[0].confinement.reset();
    EXPECT_FALSE(vbctl::status_table(report, false).contains("runtime:"));
}

TEST(StatusTable, ColoursOnlyTheStates) {
    const std::string table = vbctl::status_table(sample_report(), true);
    EXPECT_TRUE(table.contains("\x1b[32mready\x1b[0m  "));
    EXPECT_TRUE(table.contains("\x1b[31mfailed\x1b[0m "));
    std::string plain = table;
    for (const std::string_view code : {"\x1b[32m", "\x1b[31m", "\x1b[0m"}) {
        for (std::size_t at = 0; (at = plain.find(code)) != std::string::npos;) {
            plain.erase(at, code.size());
        }
    }
    EXPECT_EQ(plain, vbctl::status_table(sample_report(), false));
}

TEST(StatusTable, WithoutUnitsThereIsNoTable) {
    control::Report report;
    report.overview.version = "0.1.0";
    EXPECT_EQ(vbctl::status_table(report, false), "vector_boot 0.1.0 as a process: starting, up 0 ms\n");
}

TEST(StatusTable, OneLineForAChange) {
    sample::SampleMachine machine;
    EXPECT_EQ(vbctl::change_line(machine.units[0], false),
              "[    0.129] runtime: ready, pid 41, \"serving SmolLM2 on 127.0.0.1:8080\"\n");
    EXPECT_EQ(vbctl::change_line(machine.units[2], false),
              "[    2.500] dhcp: failed, 5 restarts, was killed by SIGSEGV\n");
}

TEST(StatusTable, Durations) {
    EXPECT_EQ(vbctl::describe_duration(999us), "0 ms");
    EXPECT_EQ(vbctl::describe_duration(999ms), "999 ms");
    EXPECT_EQ(vbctl::describe_duration(1999ms), "1 s");
    EXPECT_EQ(vbctl::describe_duration(61s), "1 min 1 s");
    EXPECT_EQ(vbctl::describe_duration(2h + 5min + 59s), "2 h 5 min");
    EXPECT_EQ(vbctl::describe_duration(99h), "4 d 3 h");
}

TEST(StatusTable, Sizes) {
    EXPECT_EQ(vbctl::describe_size(0), "0 B");
    EXPECT_EQ(vbctl::describe_size(1023), "1023 B");
    EXPECT_EQ(vbctl::describe_size(1536), "1.5 KiB");
    EXPECT_EQ(vbctl::describe_size((1ULL << 20) - 1), "1.0 MiB");
    EXPECT_EQ(vbctl::describe_size(300ULL << 20), "300 MiB");
    EXPECT_EQ(vbctl::describe_size(5ULL << 40), "5.0 TiB");
    EXPECT_EQ(vbctl::describe_size(~0ULL), "16777216 TiB");
}

} // namespace
