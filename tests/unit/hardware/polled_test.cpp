// Registers that are asked with a period, by a clock of the test's own.
#include "hardware/polled.h"

#include "unit/hardware/scratch.h"
#include "unit/sanitized.h"

#include <gtest/gtest.h>
#include <malloc.h>
#include <poll.h>
#include <vector>

namespace vb::hardware {
namespace {

using namespace std::chrono_literals;

// One timer, and a time that only the test moves.
class FakeClock final : public Clock {
  public:
    Nanoseconds now() noexcept override { return time; }
    Result<base::UniqueFd> open_timer(Nanoseconds at, Nanoseconds each) noexcept override {
        first = at;
        period = each;
        return base::UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    }
    std::uint64_t take(int) noexcept override {
        if (time < first) { return 0; }
        const auto expired = static_cast<std::uint64_t>((time - first) / period) + 1;
        return expired - std::exchange(taken, expired);
    }

    Nanoseconds time = 1'234'567'890ns;
    Nanoseconds first{};
    Nanoseconds period{};
    std::uint64_t taken = 0;
};

class PolledTest : public ::testing::Test {
  protected:
    Polled open(const Polled::Options& options = {}) {
        auto polled = Polled::open(region, options, clock);
        EXPECT_TRUE(polled) << reason(polled);
        return std::move(*polled);
    }
    void set(std::uint32_t value, std::size_t offset = 0) { ASSERT_TRUE(region.write(offset, value)); }
    // The next time it is due.
    Result<std::optional<Polled::Change>> tick(Polled& polled) {
        clock.time = clock.first + static_cast<std::int64_t>(clock.taken) * clock.period;
        return polled.due();
    }

    FakeClock clock;
    base::UniqueFd file = memory_file(4096);
    Region region = *Region::map(file.get(), {.size = 4096}, Access::read_write, "sensor");
};

TEST_F(PolledTest, IsWokenByTheHeartbeatAndReportsChangesOnly) {
    set(5);
    Polled polled = open();
    EXPECT_EQ(polled.value(), 5U);
    EXPECT_EQ(clock.period, 100ms);
    for (int count = 0; count < 10; ++count) {
        EXPECT_EQ(tick(polled)->has_value(), false);
    }
    set(6);
    const auto change = *tick(polled);
    ASSERT_TRUE(change);
    EXPECT_EQ(change->before, 5U);
    EXPECT_EQ(change->now, 6U);
    EXPECT_EQ(change->at, clock.time);
    EXPECT_EQ(polled.value(), 6U);
    EXPECT_FALSE(*tick(polled));
}

TEST_F(PolledTest, ReadsNothingBeforeItsTime) {
    Polled polled = open();
    set(6);
    EXPECT_FALSE(*polled.due());
    EXPECT_EQ(polled.value(), 0U);
    EXPECT_TRUE(*tick(polled));
    EXPECT_FALSE(*polled.due());
}

TEST_F(PolledTest, SeesOnlyTheBitsOfTheMask) {
    set(0xff00);
    Polled polled = open({.mask = 0x0ff0});
    EXPECT_EQ(polled.value(), 0x0f00U);
    set(0xff0f);
    EXPECT_FALSE(*tick(polled));
    set(0xff1f);
    EXPECT_EQ((*tick(polled))->now, 0x0f10U);
}

TEST_F(PolledTest, ReadsInTheWidthAndAtTheOffsetThatItIsTold) {
    set(0x11223344, 8);
    EXPECT_EQ(open({.width = Width::bits8, .offset = 9}).value(), 0x33U);
    EXPECT_EQ(open({.width = Width::bits64, .offset = 8}).value(), 0x11223344U);
    EXPECT_FALSE(Polled::open(region, {.offset = 4096}, clock));
    EXPECT_FALSE(Polled::open(region, {.offset = 2}, clock));
    EXPECT_EQ(reason(Polled::open(region, {.period = 1ns}, clock)),
              "poll sensor: the period is below 100 microseconds");
}

TEST_F(PolledTest, AllOfOnePeriodAreDueTogether) {
    open({.period = 250ms});
    EXPECT_EQ(clock.first, 1250ms);
    clock.time = 1'499'999'999ns;
    open({.period = 250ms});
    EXPECT_EQ(clock.first, 1500ms);
    clock.time = 1500ms;
    open({.period = 250ms});
    EXPECT_EQ(clock.first, 1750ms);
}

TEST_F(PolledTest, TimesThatWerePassedOverAreCountedAndNotMadeUpFor) {
    Polled polled = open();
    set(1);
    clock.time = clock.first + 950ms; // ten times
    EXPECT_TRUE(*polled.due());
    EXPECT_EQ(polled.missed(), 9U);
    EXPECT_FALSE(*polled.due());
    EXPECT_EQ(polled.missed(), 9U);
}

TEST_F(PolledTest, ADeviceThatFailsIsAnErrorOnceAndAChangeWhenItIsBack) {
    set(5);
    Polled polled = open();
    ASSERT_EQ(::ftruncate(file.get(), 0), 0);
    EXPECT_FALSE(tick(polled));
    for (int count = 0; count < 10; ++count) {
        const auto due = tick(polled);
        ASSERT_TRUE(due);
        EXPECT_FALSE(*due);
    }
    EXPECT_EQ(polled.value(), 5U);
    ASSERT_EQ(::ftruncate(file.get(), 4096), 0);
    set(5);
    const auto back = *tick(polled);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->now, 5U);
    EXPECT_FALSE(*tick(polled));
}

TEST_F(PolledTest, ADayOfHeartbeatsNeitherDriftsNorGrows) {
    constexpr std::int64_t beats = std::chrono::hours(24) / 100ms;
    Polled polled = open();
    const Nanoseconds first = clock.first;
    const auto memory = ::mallinfo2().uordblks;
    std::int64_t changes = 0;
    for (std::int64_t beat = 0; beat < beats; ++beat) {
        if (beat % 36'000 == 17) { set(static_cast<std::uint32_t>(beat)); } // once an hour
        const auto change = tick(polled);
        ASSERT_TRUE(change);
        ASSERT_EQ(clock.time, first + beat * 100ms);
        if (!*change) { continue; }
        ASSERT_EQ((*change)->now, static_cast<std::uint64_t>(beat));
        ASSERT_EQ((*change)->at, first + beat * 100ms);
        ++changes;
    }
    EXPECT_EQ(changes, 24);
    EXPECT_EQ(polled.missed(), 0U);
    if (!sanitized) { EXPECT_EQ(::mallinfo2().uordblks, memory); }
}

TEST_F(PolledTest, TheClockOfTheMachineMakesItsDescriptorReadable) {
    auto polled = Polled::open(region, {.period = 1ms});
    ASSERT_TRUE(polled);
    for (std::uint32_t count = 1; count <= 3; ++count) {
        set(count);
        std::optional<Polled::Change> change;
        while (!change) { // due() may come before its time, then it is nothing
            pollfd state{.fd = polled->fd(), .events = POLLIN, .revents = 0};
            ASSERT_EQ(::poll(&state, 1, 60'000), 1);
            const auto due = polled->due();
            ASSERT_TRUE(due);
            change = *due;
        }
        EXPECT_EQ(change->before, count - 1);
        EXPECT_EQ(change->now, count);
    }
}

} // namespace
} // namespace vb::hardware
