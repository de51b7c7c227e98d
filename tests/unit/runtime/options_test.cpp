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
    EXPECT_FALSE(options->confine);
}

TEST(OptionsTest, All) {
    const auto options =
        parse({"--model=m.gguf", "--context", "512",        "--threads", "3",          "--parallel", "5",
               "--kept",         "7",         "--cache",    "",          "--listen",   "[::1]:9",    "--log",
               "debug",          "--confine", "--readable", "/a",        "--readable", "/b"});
    ASSERT_TRUE(options) << options.error().text;
    EXPECT_EQ(options->engine.context, 512U);
    EXPECT_EQ(options->engine.threads, 3U);
    EXPECT_EQ(options->engine.parallel, 5U);
    EXPECT_EQ(options->engine.kept, 7U);
    EXPECT_EQ(options->listen, "[::1]:9");
    EXPECT_EQ(options->log_level, base::Level::debug);
    EXPECT_TRUE(options->confine);
    EXPECT_EQ(options->readable, (std::vector<std::string>{"/a", "/b"}));
}

TEST(OptionsTest, BadUsageNamesTheOption) {
    const std::vector<std::pair<std::vector<const char*>, const char*>> cases = {
        {{}, "--model"},
        {{"--model", "m", "--context", "many"}, "--context"},
        {{"--model", "m", "--context", "1"}, "--context"},
        {{"--model", "m", "--threads", "-1"}, "--threads"},
        {{"--model", "m", "--parallel", "0"}, "--parallel"},
        {{"--model", "m", "--log", "loud"}, "--log"},
        {{"--model", "m", "--colour", "red"}, "--colour"},
        {{"--model", "m", "extra"}, "extra"},
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
