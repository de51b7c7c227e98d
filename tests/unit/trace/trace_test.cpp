#include "trace/export.h"

#include <fcntl.h>
#include <glaze/json.hpp>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace {

using namespace vb;
using namespace std::chrono_literals;
using trace::Timeline;

Timeline sample() {
    Timeline timeline = std::move(*Timeline::create(1000ms));
    timeline.record("second", 1030ms, 1050ms);
    timeline.record("first", 1000ms, 1010ms);
    timeline.record("a point", 1060ms, 1060ms);
    return timeline;
}

TEST(TimelineTest, IsOneAcrossProcesses) {
    Timeline timeline = std::move(*Timeline::create(0ms));
    const pid_t child = ::fork();
    if (child == 0) {
        auto attached = Timeline::attach(timeline.fd());
        if (!attached) { ::_exit(1); }
        attached->record("from the child", 5ms, 6ms);
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_EQ(status, 0);
    const std::string table = export_table(timeline);
    EXPECT_NE(table.find("from the child"), std::string::npos);
    EXPECT_NE(table.find(std::to_string(child)), std::string::npos);
}

TEST(TimelineTest, RefusesWhatIsNotATimeline) {
    EXPECT_FALSE(Timeline::attach(-1));
    const base::UniqueFd other(::memfd_create("other", MFD_CLOEXEC));
    EXPECT_FALSE(Timeline::attach(other.get()));
    ASSERT_EQ(::ftruncate(other.get(), sizeof(trace::Layout)), 0);
    const auto attached = Timeline::attach(other.get());
    ASSERT_FALSE(attached);
    EXPECT_EQ(attached.error().detail, "not a timeline, or one of another version");
}

TEST(TimelineTest, CountsWhatDoesNotFit) {
    Timeline timeline = std::move(*Timeline::create(0ms));
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&timeline] {
            for (int span = 0; span < 100; ++span) {
                timeline.mark("x");
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(timeline.layout()->header.dropped.load(), 400U - trace::Layout::capacity);
    EXPECT_NE(export_table(timeline).find("150 more spans did not fit"), std::string::npos);
}

TEST(TimelineTest, RecordsNothingWhenItIsEmpty) {
    Timeline none;
    none.mark("x");
    { const trace::Span span(none, "y"); }
    EXPECT_EQ(export_chrome(none).find("\"ph\""), std::string::npos);
}

TEST(SpanTest, RecordsOnce) {
    Timeline timeline = std::move(*Timeline::create(0ms));
    {
        trace::Span span(timeline, "once");
        span.end();
    }
    EXPECT_EQ(timeline.layout()->header.used.load(), 1U);
}

TEST(Table, IsInOrderOfStart) {
    const std::string table = export_table(sample());
    EXPECT_LT(table.find("first"), table.find("second"));
    EXPECT_LT(table.find("second"), table.find("a point"));
    EXPECT_NE(table.find("30.0        20.0"), std::string::npos) << table;
}

TEST(Chrome, IsJsonWithMicroseconds) {
    const std::string json = export_chrome(sample());
    glz::generic parsed{};
    ASSERT_FALSE(glz::read_json(parsed, json)) << json;
    auto& events = parsed["traceEvents"].get<glz::generic::array_t>();
    ASSERT_EQ(events.size(), 3U);
    EXPECT_EQ(events[1]["name"].get<std::string>(), "second");
    EXPECT_EQ(events[1]["ts"].get<double>(), 30'000);
    EXPECT_EQ(events[1]["dur"].get<double>(), 20'000);
    EXPECT_EQ(events[2]["ph"].get<std::string>(), "i");
}

TEST(Exports, AreSafeAgainstNamesFromOtherProcesses) {
    Timeline timeline = std::move(*Timeline::create(0ms));
    timeline.record("\"><script>\\\n\x01 & it's a name that is far too long for a record", 0ms, 1ms);
    glz::generic parsed{};
    EXPECT_FALSE(glz::read_json(parsed, export_chrome(timeline)));
    EXPECT_EQ(export_svg(timeline).find("<script"), std::string::npos);
}

TEST(Svg, DrawsARowForEachSpan) {
    const std::string svg = export_svg(sample());
    EXPECT_TRUE(svg.starts_with("<svg"));
    std::size_t rows = 0;
    for (std::size_t at = svg.find("<rect x="); at != std::string::npos; at = svg.find("<rect x=", at + 1)) {
        ++rows;
    }
    EXPECT_EQ(rows, 3U);
}

} // namespace
