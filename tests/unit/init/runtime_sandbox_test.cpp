// How PID 1 confines the runtime: from the configuration and from what its own place permits.
#include "init/runtime_sandbox.h"

#include "init/runtime_arguments.h"

#include "unit/init/init_test.h"

namespace vb {
namespace {

void collect(void* text, base::Level, std::string_view, std::string_view line) noexcept {
    *static_cast<std::string*>(text) += std::string(line) + "\n";
}

class RuntimeSandboxTest : public InitTest {
  protected:
    RuntimeSandboxTest() {
        log.set_sink({.append = collect, .object = &said});
        kernel.files["/proc/self/status"] = "Name:\tvector_boot\nCapEff:\t000001ffffffffff\n";
        kernel.files["/proc/self/uid_map"] = "         0          0 4294967295\n";
        kernel.files["/proc/self/gid_map"] = "         0          0 4294967295\n";
        kernel.files["/proc/self/setgroups"] = "allow\n";
    }
    sys::Confinement confined() { return init::confine_runtime(kernel, log, config.sandbox); }

    std::string said;
};

TEST_F(RuntimeSandboxTest, TakesANumberOfOurOwnWhereNobodyHasMadeAnAccount) {
    const auto confinement = confined();
    ASSERT_TRUE(confinement.identity);
    EXPECT_EQ(confinement.identity->user, init::unnamed_user);
    EXPECT_EQ(confinement.identity->group, init::unnamed_user);
    EXPECT_EQ(confinement.identity->more_count, 0U);
    EXPECT_EQ(confinement.capabilities, 0U);
    EXPECT_TRUE(confinement.no_new_privileges);
    EXPECT_EQ(said, "");
}

TEST_F(RuntimeSandboxTest, TakesTheAccountWithItsGroups) {
    kernel.files["/etc/passwd"] = "root:x:0:0::/root:/bin/sh\nvector_boot:x:990:991::/:/sbin/nologin\n";
    kernel.files["/etc/group"] = "vector_boot:x:991:\nrender:x:104:vector_boot,other\nvideo:x:44:other\n";
    const auto confinement = confined();
    ASSERT_TRUE(confinement.identity);
    EXPECT_EQ(confinement.identity->user, 990U);
    EXPECT_EQ(confinement.identity->group, 991U);
    ASSERT_EQ(confinement.identity->more_count, 1U);
    EXPECT_EQ(confinement.identity->more_groups[0], 104U);
}

TEST_F(RuntimeSandboxTest, AUserThatDoesNotExistIsSaidAndIsNotRoot) {
    config.sandbox.user = "model";
    EXPECT_EQ(confined().identity->user, init::unnamed_user);
    EXPECT_EQ(
        said,
        "find the user model: expected a number or a name in /etc/passwd; the runtime runs as user 65520\n");
}

TEST_F(RuntimeSandboxTest, CanBeSwitchedOff) {
    config.sandbox.enabled = false;
    const auto confinement = confined();
    EXPECT_FALSE(confinement.identity);
    EXPECT_FALSE(confinement.capabilities);
    EXPECT_FALSE(confinement.no_new_privileges);
}

TEST_F(RuntimeSandboxTest, RootLosesItsCapabilitiesAllTheSame) {
    kernel.files["/etc/passwd"] = "root:x:0:0::/root:/bin/sh\n";
    config.sandbox.user = "root";
    const auto confinement = confined();
    EXPECT_EQ(confinement.identity->user, 0U);
    EXPECT_EQ(confinement.capabilities, 0U);
    EXPECT_EQ(said, "");
}

struct Lesser {
    const char* name;
    uid_t user;
    const char* file;
    const char* content;
    const char* expected;
};

class LesserPlaces : public RuntimeSandboxTest, public ::testing::WithParamInterface<Lesser> {};

TEST_P(LesserPlaces, KeepTheUserAndSayWhy) {
    kernel.own_user_id = GetParam().user;
    kernel.files[GetParam().file] = GetParam().content;
    const auto confinement = confined();
    EXPECT_FALSE(confinement.identity);
    EXPECT_EQ(confinement.capabilities, 0U);
    EXPECT_TRUE(confinement.no_new_privileges);
    EXPECT_EQ(said, std::string("the runtime runs as user ") + GetParam().expected + "\n");
}

INSTANTIATE_TEST_SUITE_P(
    All, LesserPlaces,
    ::testing::Values(
        Lesser{"OrdinaryUser", 1000, "/none", "", "1000: vector_boot is not root"},
        Lesser{"OnlyRootIsMapped", 0, "/proc/self/uid_map", "         0       1000          1\n",
               "0: this user namespace has no user 65520 with its groups"},
        Lesser{"TheGroupIsNotMapped", 0, "/proc/self/gid_map", "0 1000 1\n1 100000 65519\n",
               "0: this user namespace has no user 65520 with its groups"},
        Lesser{"GroupsAreDenied", 0, "/proc/self/setgroups", "deny\n",
               "0: this user namespace denies setgroups(2)"},
        Lesser{"NoCapabilities", 0, "/proc/self/status", "CapEff:\t0000000000000000\n",
               "0: vector_boot has no CAP_SETUID and CAP_SETGID"},
        Lesser{"NoProc", 0, "/proc/self/status", "", "0: vector_boot has no CAP_SETUID and CAP_SETGID"}),
    [](const auto& place) { return std::string(place.param.name); });

TEST_F(RuntimeSandboxTest, ARootlessContainerHasTheUser) {
    kernel.files["/proc/self/uid_map"] =
        "         0       1000          1\n         1     100000      65536\n";
    EXPECT_TRUE(confined().identity);
}

TEST_F(RuntimeSandboxTest, MakesTheCacheForTheRuntimesUser) {
    init::prepare_cache(kernel, log, "/var/cache/vb", confined());
    EXPECT_TRUE(kernel.has_called("make_directory /var/cache/vb for 65520:65520"));
    EXPECT_EQ(said, "");
}

TEST_F(RuntimeSandboxTest, LeavesADirectoryOfSomebodyElse) {
    kernel.owners["/var/cache/vb"] = 5;
    init::prepare_cache(kernel, log, "/var/cache/vb", confined());
    EXPECT_EQ(said, "nothing is kept for the next start: /var/cache/vb belongs to user 5, expected 65520: "
                    "chown -R it, or remove it\n");
}

TEST_F(RuntimeSandboxTest, MakesNoDirectoryWhereNoneIsWanted) {
    init::prepare_cache(kernel, log, "", confined());
    kernel.own_user_id = 1000;
    init::prepare_cache(kernel, log, "/var/cache/vb", confined());
    EXPECT_EQ(kernel.position("make_directory /var/cache/vb for 65520:65520"), std::string::npos);
}

TEST_F(RuntimeSandboxTest, TellsWhatTheKernelSaysOfTheRuntime) {
    kernel.files["/proc/101/status"] = "Name:\tvector_boot-run\nUid:\t65520\t65520\t65520\t65520\n"
                                       "CapPrm:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n"
                                       "Seccomp_filters:\t1\n";
    const auto found = init::confinement_of(kernel, 101, 7);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->user, 65520U);
    EXPECT_EQ(found->capabilities, 0U);
    EXPECT_TRUE(found->no_new_privileges);
    EXPECT_TRUE(found->seccomp);
    EXPECT_EQ(found->landlock_abi, 7U);
    kernel.files["/proc/102/status"] =
        "Uid:\t0\t0\t0\t0\nCapPrm:\t000001ffffffffff\nNoNewPrivs:\t0\nSeccomp:\t0\n";
    const auto unconfined = init::confinement_of(kernel, 102, std::nullopt);
    ASSERT_TRUE(unconfined);
    EXPECT_EQ(unconfined->capabilities, 0x1ffffffffffU);
    EXPECT_FALSE(unconfined->no_new_privileges || unconfined->seccomp || unconfined->landlock_abi);
    EXPECT_FALSE(init::confinement_of(kernel, 103, 7)); // it has just died
}

TEST_F(RuntimeSandboxTest, OnlyTheRuntimesFirstWordOfLandlockCounts) {
    EXPECT_EQ(init::parse_notification("X_VECTOR_BOOT_LANDLOCK=7").landlock_abi, 7U);
    EXPECT_FALSE(init::parse_notification("X_VECTOR_BOOT_LANDLOCK=many\nREADY=1").landlock_abi);
    kernel.files["/proc/102/status"] = "Uid:\t65520\nCapPrm:\t0\nNoNewPrivs:\t1\nSeccomp:\t2\n";
    simulation::SimulatedClient* client = nullptr;
    kernel.on_spawn = [&](pid_t process) {
        kernel.notify(process, "X_VECTOR_BOOT_LANDLOCK=7");
        kernel.notify(process, "READY=1\nX_VECTOR_BOOT_LANDLOCK=9");
        kernel.after(50ms, [&] {
            client = &kernel.unix_sockets.connect(0, {});
            client->sends.push_back(std::string(R"({"method":"io.vectorboot.Control.Status"})") + '\0');
        });
        kernel.after(1s, [this] { kernel.raise(SIGTERM); });
    };
    run(Place::container);
    ASSERT_NE(client, nullptr);
    const auto replies = client->take_messages();
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_TRUE(replies[0].contains(R"("landlock_abi":7)")) << replies[0];
}

TEST_F(RuntimeSandboxTest, TheRuntimeIsStartedConfined) {
    crash(0, 0s, 0);
    run(Place::container);
    EXPECT_EQ(kernel.confinements.at(0).identity->user, init::unnamed_user);
    EXPECT_TRUE(std::ranges::contains(kernel.spawned_arguments.at(0), "--confine"));
    EXPECT_LT(kernel.position("make_directory /var/cache/vector_boot for 65520:65520"),
              kernel.position("spawn /bin/runtime"));
}

TEST_F(RuntimeSandboxTest, ACommandIsNotConfined) {
    config.handoff.mode = config::HandoffMode::exec;
    config.handoff.command = {"/bin/app"};
    kernel.on_spawn = [this](pid_t process) { kernel.die(process, exited(0)); };
    run(Place::container);
    EXPECT_FALSE(kernel.confinements.at(0).identity);
    EXPECT_FALSE(kernel.confinements.at(0).no_new_privileges);
}

TEST_F(RuntimeSandboxTest, AReloadRestartsTheRuntimeWithWhatHasChanged) {
    auto changed = config;
    changed.sandbox.enabled = false;
    auto once_more = changed;
    once_more.http.queue = 7;
    kernel.on_spawn = [&, count = 0](pid_t process) mutable {
        kernel.after(50ms, [this, process] { kernel.notify(process, "READY=1"); });
        source.next = count == 0 ? changed : once_more;
        kernel.after(1s, [this, count] { kernel.raise(count < 2 ? SIGHUP : SIGPWR); });
        ++count;
    };
    run(Place::machine);
    ASSERT_EQ(kernel.spawned_arguments.size(), 3U);
    EXPECT_TRUE(std::ranges::contains(kernel.spawned_arguments[0], "--confine"));
    EXPECT_FALSE(std::ranges::contains(kernel.spawned_arguments[1], "--confine"));
    EXPECT_TRUE(std::ranges::contains(kernel.spawned_arguments[2], "--queue"));
}

TEST_F(RuntimeSandboxTest, AReloadStartsARuntimeThatIsDownAtOnce) {
    source.next = config;
    source.next->engine.model = "/right.gguf";
    kernel.on_spawn = [this, count = 0](pid_t process) mutable {
        if (++count < 8) { // by now it is tried every ten seconds only
            kernel.after(1ms, [this, process] { kernel.die(process, exited(2)); });
            if (count == 7) {
                kernel.after(10ms, [this] { kernel.raise(SIGHUP); });
            }
        } else {
            kernel.after(1s, [this] { kernel.raise(SIGPWR); });
        }
    };
    run(Place::machine);
    EXPECT_TRUE(std::ranges::contains(kernel.spawned_arguments.at(7), "/right.gguf"));
    EXPECT_LT(pauses().at(6), 20ms);
}

TEST_F(RuntimeSandboxTest, AProgramThatItsUserCannotReachIsExplained) {
    kernel.failing["spawn /bin/runtime"] = EACCES;
    kernel.after(1ms, [this] { kernel.raise(SIGTERM); });
    run(Place::container);
    EXPECT_TRUE(said.contains("user 65520, as which the runtime runs, has to get to its program")) << said;
}

TEST_F(RuntimeSandboxTest, ARuntimeHasTimeForItsAnswersBeforeItIsKilled) {
    config.shutdown.timeout = 300;
    config.http.drain = 700;
    kernel.ignores_terminate = true;
    base::Nanoseconds asked{};
    kernel.on_call = [&](const std::string& call) {
        if (call.starts_with("kill_all 15")) { EXPECT_GE(kernel.now() - asked, 1000ms); }
    };
    kernel.on_spawn = [&](pid_t) {
        kernel.after(1s, [&] {
            asked = kernel.now();
            kernel.raise(SIGTERM);
        });
    };
    EXPECT_EQ(run(Place::container), 128 + SIGKILL);
    EXPECT_GE(kernel.now() - asked, 1000ms);
    EXPECT_LT(kernel.now() - asked, 2000ms);
}

using Words = std::vector<std::string>;

TEST(RuntimeArguments, SayWhichDevicesTheProgramHas) {
    config::Config config;
    config.handoff.mode = config::HandoffMode::python;
    config.device.resize(3);
    config.device[0].name = "sensor";
    config.device[0].vfio = "1234:11e8";
    config.device[1].name = "led";
    config.device[1].gpio = "gpiochip0:17?direction=output";
    config.device[2].name = "keys";
    config.device[2].input = "AT keyboard";
    const Words words = init::runtime_arguments("/bin/runtime", config);
    EXPECT_EQ(Words(words.end() - 6, words.end()),
              (Words{"--device", "sensor=vfio:1234:11e8", "--device",
                     "led=gpio:gpiochip0:17?direction=output", "--device", "keys=input:AT keyboard"}));
}

TEST(RuntimeArguments, SayWhatDiffersFromTheDefaults) {
    config::Config config;
    EXPECT_EQ(init::runtime_arguments("/bin/runtime", config),
              (Words{"/bin/runtime", "--model", "/models/model.gguf", "--cache", "/var/cache/vector_boot",
                     "--log", "info", "--context", "2048", "--threads", "0", "--parallel", "8", "--kept", "0",
                     "--access-log", "--confine"}));
    config.http = {.keys = "/etc/keys/all",
                   .origins = {"https://a", "https://b"},
                   .certificate = "/etc/tls/c.pem",
                   .private_key = "key.pem",
                   .access_log = false,
                   .queue = 1,
                   .queue_timeout = 2,
                   .request_timeout = 3,
                   .drain = 4};
    config.sandbox.readable = {"/srv"};
    const Words words = init::runtime_arguments("/bin/runtime", config);
    EXPECT_EQ(Words(words.begin() + 15, words.end()), (Words{"--keys",
                                                             "/etc/keys/all",
                                                             "--origin",
                                                             "https://a",
                                                             "--origin",
                                                             "https://b",
                                                             "--certificate",
                                                             "/etc/tls/c.pem",
                                                             "--private-key",
                                                             "key.pem",
                                                             "--queue",
                                                             "1",
                                                             "--queue-timeout",
                                                             "2",
                                                             "--request-timeout",
                                                             "3",
                                                             "--drain",
                                                             "4",
                                                             "--confine",
                                                             "--readable",
                                                             "/srv"}));
}

} // namespace
} // namespace vb
