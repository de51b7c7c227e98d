#include "http/log_ring.h"

#include <gtest/gtest.h>

namespace vb::http {

namespace {

TEST(LogRingTest, GivesWhatCameAfterALine) {
    LogRing ring;
    ring.append(base::Level::info, "one");
    ring.append(base::Level::error, "two");
    const auto all = ring.after(0);
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].text.view(), "one");
    EXPECT_EQ(all[1].level, base::Level::error);
    EXPECT_EQ(ring.after(all[0].number).size(), 1U);
    EXPECT_TRUE(ring.after(all[1].number).empty());
}

TEST(LogRingTest, OldLinesMakeRoom) {
    LogRing ring;
    for (std::size_t line = 0; line < LogRing::capacity + 3; ++line) {
        ring.append(base::Level::info, std::to_string(line));
    }
    const auto all = ring.after(0);
    ASSERT_EQ(all.size(), LogRing::capacity);
    EXPECT_EQ(all.front().text.view(), "3");
}

TEST(LogRingTest, AReaderOfAnEarlierProcessBeginsAnew) {
    LogRing ring;
    ring.append(base::Level::info, "one");
    EXPECT_EQ(ring.after(50).size(), 1U);
}

TEST(LogRingTest, IsASinkOfTheLog) {
    LogRing ring;
    base::Log log(-1, "test");
    log.set_sink(ring.sink());
    log.warning("number ", 7);
    log.debug("below the level");
    const auto all = ring.after(0);
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].text.view(), "number 7");
}

} // namespace

} // namespace vb::http
