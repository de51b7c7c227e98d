#include "runtime/options.h"

#include <gtest/gtest.h>
#include <vector>

namespace vb::runtime {

namespace {

std::expected<Options, Early> parse(std::vector<const char*> words) {
    words.insert(words.begin(), "vector_boot-runtime");
    words.push_back(nullptr);
    return parse_options(static_cast<int>(words.size()) - 1, words.data());
}

TEST(OptionsTest, Defaults) {
    const auto options = parse({"--model", "m.gguf"});
    ASSERT_TRUE(options);
    EXPECT_EQ(options->engine.model, "m.gguf");
    EXPECT_EQ(options->engine.context, 2048U);
    EXPECT_EQ(options->engine.threads, 0U);
    EXPECT_EQ(options->listen, "127.0.0.1:8080");
    EXPECT_EQ(options->log_level, base::Level::info);
    EXPECT_EQ(options->limits.queue, 256U);
    EXPECT_EQ(options->limits.queue_timeout, std::chrono::seconds(60));
    EXPECT_EQ(options->limits.request_timeout, std::chrono::seconds(0));
    EXPECT_EQ(options->drain, std::chrono::seconds(5));
    EXPECT_FALSE(options->confine);
}

TEST(OptionsTest, All) {
    const auto options = parse({"--model=m.gguf",
                                "--context",
                                "512",
                                "--threads",
                                "3",
                                "--parallel",
                                "5",
                                "--kept",
                                "7",
                                "--cache",
                                "",
                                "--listen",
                                "[::1]:9",
                                "--log",
                                "debug",
                                "--queue",
                                "9",
                                "--queue-timeout",
                                "10",
                                "--request-timeout",
                                "11",
                                "--drain",
                                "12",
                                "--confine",
                                "--readable",
                                "/a",
                                "--readable",
                                "/b"});
    ASSERT_TRUE(options) << options.error().text;
    EXPECT_EQ(options->engine.context, 512U);
    EXPECT_EQ(options->engine.threads, 3U);
    EXPECT_EQ(options->engine.parallel, 5U);
    EXPECT_EQ(options->engine.kept, 7U);
    EXPECT_EQ(options->listen, "[::1]:9");
    EXPECT_EQ(options->log_level, base::Level::debug);
    EXPECT_EQ(options->limits.queue, 9U);
    EXPECT_EQ(options->limits.queue_timeout.count(), 10);
    EXPECT_EQ(options->limits.request_timeout.count(), 11);
    EXPECT_EQ(options->drain.count(), 12);
    EXPECT_TRUE(options->confine);
    EXPECT_EQ(options->readable, (std::vector<std::string>{"/a", "/b"}));
}

TEST(OptionsTest, WhoMayAskAndHow) {
    const auto none = parse({"--model", "m"});
    ASSERT_TRUE(none);
    EXPECT_TRUE(none->certificate.empty() && none->keys.empty() && none->origins.empty() &&
                !none->access_log);
    const auto all = parse({"--model", "m", "--certificate", "c", "--private-key", "p", "--keys", "k",
                            "--origin", "https://a", "--origin", "http://b:81", "--access-log"});
    ASSERT_TRUE(all) << all.error().text;
    EXPECT_EQ(all->certificate + all->private_key + all->keys, "cpk");
    EXPECT_EQ(all->origins, (std::vector<std::string>{"https://a", "http://b:81"}));
    EXPECT_TRUE(all->access_log);
}

TEST(OptionsTest, AProgram) {
    const auto options = parse({"--model", "m.gguf", "--python", "/app", "--argument", "-a", "--argument",
                                "b", "--venv", "/venv", "--site", "--directory", "/d", "--device",
                                "sensor=pci:1234:11e8", "--ready-by-program"});
    ASSERT_TRUE(options) << options.error().text;
    ASSERT_TRUE(options->program);
    EXPECT_EQ(options->program->app, "/app");
    EXPECT_EQ(options->program->arguments, (std::vector<std::string>{"-a", "b"}));
    EXPECT_EQ(options->program->virtual_environment, "/venv");
    EXPECT_TRUE(options->program->site);
    EXPECT_EQ(options->directory, "/d");
    EXPECT_EQ(options->devices.at("sensor"), "pci:1234:11e8");
    EXPECT_EQ(parse({"--model", "m.gguf", "--python", "/a", "--device", "sensor"}).error().exit_code, 1);
    EXPECT_TRUE(options->says_ready);
    EXPECT_FALSE(parse({"--model", "m.gguf"})->program);
    EXPECT_EQ(parse({"--model", "m.gguf", "--argument", "x"}).error().exit_code, 1);
}

TEST(OptionsTest, BadUsageNamesTheOption) {
    const std::vector<std::pair<std::vector<const char*>, const char*>> cases = {
        {{}, "--model"},
        {{"--model", "m", "--context", "many"}, "--context"},
        {{"--model", "m", "--context", "1"}, "--context"},
        {{"--model", "m", "--threads", "-1"}, "--threads"},
        {{"--model", "m", "--parallel", "0"}, "--parallel"},
        {{"--model", "m", "--log", "loud"}, "--log"},
        {{"--model", "m", "--queue", "-1"}, "--queue"},
        {{"--model", "m", "--drain", "soon"}, "--drain"},
        {{"--model", "m", "--colour", "red"}, "--colour"},
        {{"--model", "m", "extra"}, "extra"},
        {{"--model", "m", "--certificate", "c"}, "--private-key"},
        {{"--model", "m", "--private-key", "p"}, "--certificate"},
        {{"--model", "m", "--origin", "*"}, "--origin"},
    };
    for (const auto& [words, named] : cases) {
        const auto options = parse(words);
        ASSERT_FALSE(options) << named;
        EXPECT_EQ(options.error().exit_code, 1);
        EXPECT_TRUE(options.error().text.starts_with("vector_boot-runtime: ")) << options.error().text;
        EXPECT_TRUE(options.error().text.contains(named)) << options.error().text;
    }
}

TEST(OptionsTest, HelpDocumentsOptionsVariablesAndExitCodes) {
    const auto help = parse({"--help"});
    ASSERT_FALSE(help);
    EXPECT_EQ(help.error().exit_code, 0);
    for (const char* const word : {"--model", "--context", "--threads", "--listen", "--log", "LISTEN_FDS",
                                   "NOTIFY_SOCKET", "VECTOR_BOOT_TIMELINE", "Exit codes"}) {
        EXPECT_TRUE(help.error().text.contains(word)) << word;
    }
}

} // namespace

} // namespace vb::runtime
