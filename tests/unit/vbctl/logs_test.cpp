#include "vbctl/logs.h"

#include "unit/journal/scratch_directory.h"
#include "vbctl/point_in_time.h"

#include <cstdlib>
#include <ctime>
#include <glaze/json.hpp>

namespace {

using namespace vb;
using namespace std::chrono_literals;
using base::Level;

constexpr base::Nanoseconds noon = 1'700'000'000s; // 2023-11-14 22:13:20 UTC

class LogsTest : public testing::Test {
  protected:
    LogsTest() {
        ::setenv("TZ", "UTC", 1);
        ::tzset();
        journal::Store store({.directory = scratch_.path().c_str()}, {0xaa, 0xbb}, {0xcc});
        EXPECT_TRUE(store.open());
        const auto add = [&](std::uint64_t sequence, Level level, std::string_view unit,
                             std::string_view text) {
            const journal::Times times{.monotonic = 5s, .realtime = noon + std::chrono::seconds(sequence)};
            EXPECT_TRUE(store.append(
                {.sequence = sequence, .times = times, .level = level, .unit = unit, .text = text}));
        };
        add(1, Level::info, "dhcp", "lease \"10.0.0.2\"\x1b[2J");
        add(2, Level::error, "runtime", "no model");
        add(9, Level::debug, "dhcp", std::string(1100, 'x'));
        EXPECT_TRUE(store.sync());
    }
    // What `vbctl logs WORDS...` prints; its exit status goes to status_.
    std::string logs(std::vector<std::string> words) {
        CLI::App app;
        vbctl::Logs command(app);
        words.insert(words.begin(), {"logs", "--directory", scratch_.path()});
        std::ranges::reverse(words); // CLI11 takes them from the back
        app.parse(words);
        EXPECT_TRUE(command.is_wanted());
        testing::internal::CaptureStdout();
        status_ = command.run();
        return testing::internal::GetCapturedStdout();
    }

    journal::ScratchDirectory scratch_;
    int status_ = -1;
};

TEST_F(LogsTest, PrintsLinesForPeople) {
    EXPECT_EQ(logs({}), "2023-11-14 22:13:21.000000 dhcp: lease \"10.0.0.2\"?[2J\n"
                        "2023-11-14 22:13:22.000000 runtime: error: no model\n"
                        "-- 6 lines are lost --\n"
                        "2023-11-14 22:13:29.000000 dhcp: " +
                            std::string(1023, 'x') + "\u2026\n");
    EXPECT_EQ(status_, 0);
}

TEST_F(LogsTest, Filters) {
    const std::string error = "2023-11-14 22:13:22.000000 runtime: error: no model\n";
    EXPECT_EQ(logs({"-p", "warning"}), error);
    EXPECT_EQ(logs({"-u", "runtime", "-b"}), error);
    EXPECT_EQ(logs({"-n", "1", "-p", "info", "-b", "aabb"}), error);
    EXPECT_EQ(logs({"--since", "2023-11-14 22:13:22", "-p", "error", "-b", "0"}), error);
    EXPECT_EQ(logs({"--since", "2023-11-14 22:14"}), "");
    EXPECT_EQ(status_, 0);
}

TEST_F(LogsTest, TellsBootsApart) {
    journal::Store store({.directory = scratch_.path().c_str()}, {0xdd}, {});
    ASSERT_TRUE(store.open());
    ASSERT_TRUE(store.append({.sequence = 1, .times = {}, .unit = "new", .text = "boot"}));
    ASSERT_TRUE(store.sync());
    const std::string newest = "1970-01-01 00:00:00.000000 new: boot\n";
    EXPECT_EQ(logs({"-b"}), newest);
    EXPECT_EQ(logs({"-b", "0"}), newest);
    EXPECT_EQ(logs({"--boot=dd"}), newest);
    EXPECT_TRUE(logs({}).ends_with("\n-- boot dd0000000000 --\n" + newest));
    EXPECT_EQ(logs({"-b", "-1", "-p", "error"}), "2023-11-14 22:13:22.000000 runtime: error: no model\n");
}

TEST_F(LogsTest, PrintsJson) {
    const std::string text = logs({"-n", "1", "-p", "info", "-u", "dhcp", "-o", "json"});
    glz::generic line{};
    ASSERT_FALSE(glz::read_json(line, text)) << text;
    EXPECT_EQ(line["time"].get<std::string>(), "2023-11-14T22:13:21.000000Z");
    EXPECT_EQ(line["unit"].get<std::string>(), "dhcp");
    EXPECT_EQ(line["level"].get<std::string>(), "info");
    EXPECT_EQ(line["text"].get<std::string>(), "lease \"10.0.0.2\"?[2J");
    EXPECT_EQ(line["run"].get<std::string>(), "aabb" + std::string(28, '0'));
    EXPECT_EQ(line["boot"].get<std::string>(), "cc" + std::string(30, '0'));
    EXPECT_EQ(line["monotonic_ns"].get<double>(), 5e9);
    EXPECT_FALSE(line["cut"].get<bool>());
}

TEST_F(LogsTest, SaysWhatIsWrong) {
    for (const auto& words :
         std::vector<std::vector<std::string>>{{"-b", "-1"}, {"--since", "noon"}, {"-f"}}) {
        testing::internal::CaptureStderr();
        EXPECT_EQ(logs(words), "");
        EXPECT_EQ(status_, 1);
        const std::string said = testing::internal::GetCapturedStderr();
        EXPECT_TRUE(said.starts_with("vbctl: ")) << said;
        EXPECT_EQ(std::ranges::count(said, '\n'), 1) << said;
    }
    EXPECT_THROW(logs({"-p", "fatal"}), CLI::ValidationError);
    EXPECT_THROW(logs({"-o", "xml"}), CLI::ValidationError);
}

TEST(PointInTimeTest, ReadsWhatPeopleWrite) {
    ::setenv("TZ", "CET-1", 1);
    ::tzset();
    using vbctl::parse_point_in_time;
    EXPECT_EQ(parse_point_in_time("@1700000000", noon), noon);
    EXPECT_EQ(parse_point_in_time("90s", noon), noon - 90s);
    EXPECT_EQ(parse_point_in_time("15m", noon), noon - 15min);
    EXPECT_EQ(parse_point_in_time("2h", noon), noon - 2h);
    EXPECT_EQ(parse_point_in_time("3d", noon), noon - 72h);
    EXPECT_EQ(parse_point_in_time("2023-11-14 23:13:20", noon), noon);
    EXPECT_EQ(parse_point_in_time("2023-11-14T23:13", noon), noon - 20s);
    EXPECT_EQ(parse_point_in_time("23:13:20", noon), noon);
    EXPECT_EQ(parse_point_in_time("23:13", noon), noon - 20s);
    EXPECT_EQ(parse_point_in_time("2023-11-14", noon), noon - 23h - 13min - 20s);
    for (const char* const nonsense :
         {"", "s", "5", "5w", "-5m", "@", "@x", "2023-11-14 25:00", "2023-11-14x", "99:99"}) {
        EXPECT_FALSE(parse_point_in_time(nonsense, noon)) << nonsense;
    }
}

} // namespace
