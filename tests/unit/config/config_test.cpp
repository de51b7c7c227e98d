#include "config/arguments.h"
#include "config/kernel_words.h"
#include "config/signal_names.h"
#include "config/toml.h"

#include <gtest/gtest.h>

#include <csignal>

namespace {

using namespace vb;
using namespace vb::config;

std::string fault_of(std::string_view text) {
    Config config;
    const auto read = read_toml(text, "c.toml", config);
    return read ? "" : std::string(base::describe(read.error().error).view());
}

TEST(Toml, ReadsEveryKey) {
    Config config;
    const auto read = read_toml(R"(# a comment
[engine]
model = "/m.gguf"   # another
context = 4096
threads = 3
[handoff]
mode = "exec"
command = ["/bin/sh", "-c", "exit 0"]
[listen]
http = "[::1]:9000"
[http]
keys = "/etc/keys"
origins = ["https://example.com", "*"]
certificate = "/etc/tls/cert.pem"
private_key = "/etc/tls/key.pem"
access_log = false
queue = 7
queue_timeout = 1000
request_timeout = 2000
drain = 0
[sandbox]
enabled = false
user = "nobody"
readable = ["/srv/models"]
[failure]
policy = "reboot"
limit = 7
[shutdown]
timeout = 250
[machine]
ctrl_alt_del = "poweroff"
modules = "/usr/lib/uml/modules"
[log]
level = "debug"
)",
                                "c.toml", config);
    ASSERT_TRUE(read) << base::describe(read.error().error).view();
    EXPECT_EQ(config.engine.model, "/m.gguf");
    EXPECT_EQ(config.engine.context, 4096U);
    EXPECT_EQ(config.engine.threads, 3U);
    EXPECT_EQ(config.handoff.mode, HandoffMode::exec);
    EXPECT_EQ(config.handoff.command, (std::vector<std::string>{"/bin/sh", "-c", "exit 0"}));
    EXPECT_EQ(config.listen.http, "[::1]:9000");
    EXPECT_EQ(config.http, (Http{.keys = "/etc/keys",
                                 .origins = {"https://example.com", "*"},
                                 .certificate = "/etc/tls/cert.pem",
                                 .private_key = "/etc/tls/key.pem",
                                 .access_log = false,
                                 .queue = 7,
                                 .queue_timeout = 1000,
                                 .request_timeout = 2000,
                                 .drain = 0}));
    EXPECT_EQ(config.sandbox, (Sandbox{.enabled = false, .user = "nobody", .readable = {"/srv/models"}}));
    EXPECT_EQ(config.failure.policy, FailurePolicy::reboot);
    EXPECT_EQ(config.failure.limit, 7U);
    EXPECT_EQ(config.shutdown.timeout, 250U);
    EXPECT_EQ(config.machine.ctrl_alt_del, CtrlAltDel::poweroff);
    EXPECT_EQ(config.machine.modules, "/usr/lib/uml/modules");
    EXPECT_EQ(config.log.level, base::Level::debug);
}

TEST(Toml, KeepsDefaultsForWhatIsNotThere) {
    Config config;
    for (const char* const nothing : {"", "\n", "# only words\n", " \t# words\n\n[engine]\n"}) {
        ASSERT_TRUE(read_toml(nothing, "c.toml", config)) << nothing;
    }
    ASSERT_TRUE(read_toml("[engine]\nthreads = 1\n", "c.toml", config));
    EXPECT_EQ(config.engine.context, 2048U);
    EXPECT_EQ(config.listen.http, "127.0.0.1:8080");
}

struct Fault {
    const char* text;
    const char* expected;
};

class TomlFaults : public ::testing::TestWithParam<Fault> {};

TEST_P(TomlFaults, NameFileLineAndExpectation) {
    EXPECT_EQ(fault_of(GetParam().text), std::string("read c.toml: ") + GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    All, TomlFaults,
    ::testing::Values(
        Fault{"[engine]\ncontxt = 5\n", "line 2: `contxt = 5`: unknown key contxt; [engine] has model, "
                                        "context, cache, threads, parallel, kept"},
        Fault{"\n[engine]\n\ncontext = \"big\"\n", "line 4: `context = \"big\"`: expected context in "
                                                   "[engine] to be a whole number of tokens from 64 to "
                                                   "1048576"},
        Fault{"[engine]\ncontext = 5\n", "line 2: `context = 5`: expected context in [engine] to be a whole "
                                         "number of tokens from 64 to 1048576"},
        Fault{"[engine]\ncontext = -1\n", "line 2: `context = -1`: expected context in [engine] to be a "
                                          "whole number of tokens from 64 to 1048576"},
        Fault{"[engine]\nmodel = 3\n",
              "line 2: `model = 3`: expected model in [engine] to be the path of a GGUF file, in quotes"},
        Fault{"[failure]\npolicy = \"explode\"\n", "line 2: `policy = \"explode\"`: expected policy in "
                                                   "[failure] to be \"restart\", \"shell\", \"reboot\", "
                                                   "\"poweroff\" or \"exit\""},
        Fault{"[listen]\nhttp = \"example.org:80\"\n",
              "line 2: `http = \"example.org:80\"`: expected http in [listen] to be an address such as "
              "\"127.0.0.1:8080\", \"[::1]:8080\" or \"*:8080\""},
        Fault{"[http]\norigins = [\"example.com\"]\n",
              "line 2: `origins = [\"example.com\"]`: expected origins in [http] to be a list such as "
              "[\"https://example.com\"], or [\"*\"] for all"},
        Fault{"[http]\ncertificate = \"/c.pem\"\n",
              "line 1: `[http]`: it needs private_key in [http]: the path of a PEM file, in quotes, together "
              "with certificate"},
        Fault{"[http]\nqueue = 0\n",
              "line 2: `queue = 0`: expected queue in [http] to be a whole number from 1 to 65536"},
        Fault{"[http]\ndrain = 600001\n", "line 2: `drain = 600001`: expected drain in [http] to be a whole "
                                          "number of milliseconds from 0 to 600000"},
        Fault{"[sandbox]\nuser = \"\"\n", "line 2: `user = \"\"`: expected user in [sandbox] to be the name "
                                          "or number of a user, in quotes"},
        Fault{"[sandbox]\nreadable = [\"models\"]\n",
              "line 2: `readable = [\"models\"]`: expected readable in [sandbox] to be a list of absolute "
              "paths such as [\"/srv/models\"]"},
        Fault{"[machine]\nmodules = \"modules\"\n",
              "line 2: `modules = \"modules\"`: expected modules in [machine] to be an absolute path such as "
              "\"/lib/modules\""},
        Fault{"[enigne]\nmodel = \"x\"\n", "line 1: `[enigne]`: unknown section [enigne]; expected one of "
                                           "[engine], [handoff], [listen], [http], [sandbox], [failure], "
                                           "[shutdown], [watchdog], [machine], [control], [log], "
                                           "[[service]], [[mount]], [[device]], [[on]], [sysctl]"},
        Fault{"context = 5\n", "line 1: `context = 5`: expected a section first, one of [engine], [handoff], "
                               "[listen], [http], [sandbox], [failure], "
                               "[shutdown], [watchdog], [machine], [control], [log], [[service]], [[mount]], "
                               "[[device]], [[on]], [sysctl]"},
        Fault{"[engine]\nmodel\n", "line 2: `model`: expected `key = value`"},
        Fault{"log.level = \"info\"\nengine.context = 38\n",
              "line 2: `engine.context = 38`: expected context in [engine] to be a whole number of tokens "
              "from 64 to 1048576"},
        Fault{"engine = { context = 38 }\n", "line 1: `engine = { context = 38 }`: expected context in "
                                             "[engine] to be a whole number of tokens from 64 to 1048576"},
        Fault{"[handoff]\nmode = \"python\"\napp = \"\"\n",
              "line 3: `app = \"\"`: expected app in [handoff] to be a file, directory, zip, or "
              "\"package.module:function\", in quotes"},
        Fault{
            "[handoff]\ndirectory = \"app\"\n",
            "line 2: `directory = \"app\"`: expected directory in [handoff] to be an absolute path, or \"\" "
            "for none"},
        Fault{"[handoff]\nready = \"now\"\n", "line 2: `ready = \"now\"`: expected ready in [handoff] to be "
                                              "\"engine\" or \"app\""},
        Fault{"[[device]]\nname = \"a\"\nuio = \"x\"\n[[device]]\nname = \"a\"\nuio = \"y\"\n",
              "line 5: `name = \"a\"`: expected name in [device] to be letters, digits, \"-\" or \"_\", in "
              "quotes, that no other device has"},
        Fault{"[[device]]\nname = \"a\"\n",
              "line 1: `[[device]]`: it needs pci in [device]: \"VENDOR:DEVICE\" or an address such as "
              "\"0000:00:04.0\", or another key in its place"},
        Fault{"[[device]]\nname = \"a\"\nuio = \"x\"\ninterrupt = \"/fifo\"\n",
              "line 4: `interrupt = \"/fifo\"`: expected interrupt in [device] to be an absolute path of a "
              "FIFO, together with file"},
        Fault{"[[device]]\nname = \"a\"\ngpio = \"17\"\n",
              "line 3: `gpio = \"17\"`: expected gpio in [device] to be \"CHIP:LINE\", with options such as "
              "\"gpiochip0:17?direction=output\""},
        Fault{"[[device]]\nname = \"a\"\ngpio = \"a:1\"\ninput = 3\n",
              "line 4: `input = 3`: expected input in [device] to be \"event0\", or what the device calls "
              "itself, in quotes"},
        Fault{"[handoff]\nmode = \"exec\"\n", "line 1: `[handoff]`: it needs command in [handoff]: "
                                              "program and arguments, such as [\"/bin/sh\", "
                                              "\"-c\", \"...\"]"}));

TEST(Toml, ReadsTheHandoffToPython) {
    Config config;
    ASSERT_TRUE(read_toml("[handoff]\nmode = \"python\"\napp = \"a.b:c\"\narguments = [\"--x\"]\nvenv = "
                          "\"/venv\"\nsite = true\ndirectory = \"/app\"\nuser = \"app\"\nready = \"app\"\n",
                          "c.toml", config));
    Handoff wanted;
    wanted.mode = HandoffMode::python;
    wanted.app = "a.b:c";
    wanted.arguments = {"--x"};
    wanted.venv = "/venv";
    wanted.site = true;
    wanted.directory = "/app";
    wanted.user = "app";
    wanted.ready = HandoffReady::app;
    EXPECT_EQ(config.handoff, wanted);
}

TEST(Toml, ReadsLinesAndInputDevices) {
    Config config;
    ASSERT_TRUE(read_toml("[[device]]\nname = \"led\"\ngpio = \"gpiochip0:17?direction=output\"\n"
                          "[[device]]\nname = \"keys\"\ninput = \"AT keyboard\"\n",
                          "c.toml", config));
    ASSERT_EQ(config.device.size(), 2U);
    EXPECT_EQ(config.device[0].gpio, "gpiochip0:17?direction=output");
    EXPECT_EQ(config.device[1].input, "AT keyboard");
}

TEST(Toml, LeavesTheConfigurationAloneOnAFault) {
    Config config;
    EXPECT_FALSE(read_toml("[engine]\nthreads = 9\ncontext = \"big\"\n", "c.toml", config));
    EXPECT_EQ(config.engine.threads, 0U);
}

TEST(Toml, CanGoOnWithoutTheFaultyLines) {
    Config config;
    std::vector<std::string> faults;
    read_toml_leniently(
        "[engine]\ncontxt = 5\nthreads = 9\ncontext = 1\nmodel = \"/m\"\n", "c.toml", config,
        [&faults](const base::Error& fault) { faults.emplace_back(base::describe(fault).view()); });
    EXPECT_EQ(faults.size(), 2U);
    EXPECT_EQ(config.engine.threads, 9U);
    EXPECT_EQ(config.engine.context, 2048U);
    EXPECT_EQ(config.engine.model, "/m");
}

TEST(Toml, GivesUpOnAFileThatIsNothingButFaults) {
    Config config;
    int faults = 0;
    read_toml_leniently(std::string(5000, '\xff') + "\n[engine\n[[[[\n=\n", "c.toml", config,
                        [&faults](const base::Error&) { ++faults; });
    EXPECT_GT(faults, 0);
    EXPECT_LE(faults, 10);
    EXPECT_EQ(config.engine.context, 2048U);
}

TEST(KernelWords, AreFoundAmongOthers) {
    const KernelWords words =
        parse_kernel_words("quiet root=/dev/vda vb.model=/a.gguf vb.config=\"/my config.toml\" "
                           "\"vb.log=debug\" vb.model=/b.gguf "
                           "ip=10.0.0.2::10.0.0.1 vb.nonsense=1 vb.other -- vb.handoff=exec\n");
    EXPECT_EQ(words.model, "/b.gguf");
    EXPECT_EQ(words.config, "/my config.toml");
    EXPECT_EQ(words.log, "debug");
    EXPECT_EQ(words.ip, "10.0.0.2::10.0.0.1");
    EXPECT_EQ(words.handoff, "");
    EXPECT_EQ(words.unknown, "vb.nonsense=1 vb.other");
}

TEST(KernelWords, SetTheConfiguration) {
    Config config;
    KernelWords words;
    words.model = "/x";
    words.log = "error";
    words.handoff = "exec";
    config.handoff.command = {"/bin/app"};
    ASSERT_TRUE(apply(words, config));
    EXPECT_EQ(config.engine.model, "/x");
    EXPECT_EQ(config.log.level, base::Level::error);
    EXPECT_EQ(config.handoff.mode, HandoffMode::exec);
    words.handoff = "python2";
    EXPECT_FALSE(apply(words, config));
}

TEST(KernelWords, DoNotHandOffToACommandThatNobodyNamed) {
    Config config;
    KernelWords words;
    words.handoff = "exec";
    const auto applied = apply(words, config);
    ASSERT_FALSE(applied);
    EXPECT_NE(base::describe(applied.error()).view().find("expected command in [handoff]"),
              std::string::npos);
    EXPECT_EQ(config.handoff.mode, HandoffMode::worker);
}

TEST(KernelWords, SurviveOddLines) {
    for (const char* const line :
         {"", " ", "\"", "=", "vb.", "vb.model", "a\"b c\"d", "vb.model=\"", "-- "}) {
        const KernelWords words = parse_kernel_words(line);
        EXPECT_EQ(words.config, "") << line;
        EXPECT_EQ(words.model, "") << line;
    }
}

base::Result<Arguments> parse(std::vector<const char*> words, bool lenient = false) {
    static std::vector<const char*> kept;
    kept = std::move(words);
    kept.insert(kept.begin(), "vector_boot");
    kept.push_back(nullptr);
    return parse_arguments(const_cast<char**>(kept.data()), lenient);
}

TEST(ArgumentsTest, TakeValuesInBothForms) {
    const auto arguments = parse({"--model", "/m", "--listen=*:9", "--", "sh", "--help"});
    ASSERT_TRUE(arguments);
    EXPECT_EQ(arguments->model, "/m");
    EXPECT_EQ(arguments->listen, "*:9");
    EXPECT_FALSE(arguments->help);
    Config config;
    ASSERT_TRUE(apply(*arguments, config));
    EXPECT_EQ(config.handoff.mode, HandoffMode::exec);
    EXPECT_EQ(config.handoff.command, (std::vector<std::string>{"sh", "--help"}));
}

TEST(ArgumentsTest, RefuseWhatTheyDoNotKnow) {
    EXPECT_FALSE(parse({"--modle", "/m"}));
    EXPECT_FALSE(parse({"-x"}));
    EXPECT_FALSE(parse({"-e", "256"}));
    EXPECT_FALSE(parse({"-p"}));
    EXPECT_FALSE(parse({"-ge"}));
    EXPECT_FALSE(parse({"--model"}));
    Config config;
    EXPECT_FALSE(apply(*parse({"--listen", "nowhere"}), config));
    EXPECT_FALSE(apply(*parse({"--log", "loud"}), config));
}

TEST(ArgumentsTest, TakeTinisOptions) {
    const auto arguments =
        parse({"-gsvv", "-e143", "-e", "0", "-p", "SIGKILL", "-w", "sh", "-c", "--", "-v"});
    ASSERT_TRUE(arguments);
    EXPECT_EQ(arguments->verbosity, 2U);
    Config config;
    config.log.level = base::Level::error;
    ASSERT_TRUE(apply(*arguments, config));
    EXPECT_TRUE(config.handoff.signal_group && config.handoff.report_reaping);
    EXPECT_EQ(config.handoff.success, (std::vector{143, 0}));
    EXPECT_EQ(config.handoff.parent_death, "SIGKILL");
    EXPECT_EQ(config.handoff.command, (std::vector<std::string>{"sh", "-c", "--", "-v"}));
    EXPECT_EQ(config.log.level, base::Level::debug);
    EXPECT_FALSE(apply(*parse({"-p", "SIGNOTHING", "sh"}), config));
}

TEST(ArgumentsTest, TakeTinisVariables) {
    const auto with = [](const char* variable, Config& config) {
        const char* const environment[] = {"PATH=/", variable, nullptr};
        return apply_tini_variables(const_cast<char* const*>(environment), config).has_value();
    };
    Config config;
    EXPECT_TRUE(with("TINI_SUBREAPER=1", config));
    EXPECT_FALSE(config.handoff.signal_group);
    EXPECT_TRUE(with("TINI_KILL_PROCESS_GROUP=", config));
    EXPECT_TRUE(config.handoff.signal_group);
    EXPECT_TRUE(with("TINI_VERBOSITY=0", config));
    EXPECT_EQ(config.log.level, base::Level::error);
    EXPECT_TRUE(with("TINI_VERBOSITY=9", config));
    EXPECT_EQ(config.log.level, base::Level::debug);
    EXPECT_FALSE(with("TINI_VERBOSITY=high", config));
}

TEST(SignalNames, AreRead) {
    EXPECT_EQ(parse_signal("SIGTERM"), SIGTERM);
    EXPECT_EQ(parse_signal("KILL"), SIGKILL);
    EXPECT_EQ(parse_signal("15"), 15);
    EXPECT_EQ(parse_signal("SIGRTMIN"), SIGRTMIN);
    EXPECT_EQ(parse_signal("SIGRTMIN+3"), SIGRTMIN + 3);
    for (const char* const none :
         {"", "SIG", "0", "-1", "65", "SIGRTMIN+31", "SIGRTMIN-1", "SIGRTMIN+", "sigterm"}) {
        EXPECT_EQ(parse_signal(none), 0) << none;
    }
}

TEST(ArgumentsTest, NeverEndPid1OfAMachine) {
    for (const char* const word : {"--help", "-h", "--version", "--model", "--nonsense"}) {
        const auto arguments = parse({word}, true);
        ASSERT_TRUE(arguments) << word;
        EXPECT_FALSE(arguments->help || arguments->version) << word;
    }
}

TEST(ArgumentsTest, PassOverTheKernelsWordsOnAMachine) {
    const auto arguments = parse({"splash", "--model", "/m"}, /*lenient=*/true);
    ASSERT_TRUE(arguments);
    EXPECT_EQ(arguments->model, "/m");
}

} // namespace
