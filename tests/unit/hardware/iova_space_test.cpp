// Which addresses devices are given.
#include "hardware/iova_space.h"

#include <gtest/gtest.h>
#include <limits>
#include <map>
#include <random>

namespace vb::hardware {
namespace {

constexpr std::uint64_t page = 4096;
constexpr std::uint64_t everything = std::numeric_limits<std::uint64_t>::max();

TEST(IovaSpaceTest, GivesTheLowestButNeverZero) {
    IovaSpace space({{.first = 0, .last = 0xffff}}, page);
    EXPECT_EQ(space.allocate(page, everything), page);
    EXPECT_EQ(space.allocate(2 * page, everything), 2 * page);
    space.release(page, page);
    EXPECT_EQ(space.allocate(2 * page, everything), 4 * page); // does not fit in between
    EXPECT_EQ(space.allocate(page, everything), page);
}

TEST(IovaSpaceTest, StaysWithinTheMask) {
    IovaSpace space({{.first = 0, .last = everything}}, page);
    EXPECT_EQ(space.allocate(2 * page, 2 * page - 1), std::nullopt);
    EXPECT_EQ(space.allocate(page, 2 * page - 1), page);
    EXPECT_EQ(space.allocate(page, 2 * page - 1), std::nullopt);
    EXPECT_EQ(space.allocate(page, 0), std::nullopt);
    EXPECT_EQ(space.allocate(page, 3 * page - 2), std::nullopt); // its last byte is beyond
    EXPECT_EQ(space.allocate(page, 3 * page - 1), 2 * page);
}

TEST(IovaSpaceTest, LeavesOutWhatIsNotUsable) {
    IovaSpace space({{.first = 0x9000, .last = 0x9fff}, {.first = 0x1001, .last = 0x3fff}}, page);
    EXPECT_EQ(space.allocate(2 * page, everything), 0x2000U);
    EXPECT_EQ(space.allocate(page, everything), 0x9000U);
    EXPECT_EQ(space.allocate(page, everything), std::nullopt);
}

TEST(IovaSpaceTest, TakesRangesThatMakeNoSense) {
    IovaSpace space({{.first = 5, .last = 6},
                     {.first = 0, .last = 10},
                     {.first = everything - 5, .last = everything},
                     {.first = 9 * page, .last = 2 * page}},
                    page);
    EXPECT_EQ(space.allocate(page, everything), std::nullopt);
    EXPECT_EQ(IovaSpace({}, page).allocate(page, everything), std::nullopt);
    IovaSpace last({{.first = everything - 2 * page + 1, .last = everything}}, page);
    EXPECT_EQ(last.allocate(2 * page, everything), everything - 2 * page + 1);
    last.release(everything - 2 * page + 1, 2 * page);
    EXPECT_EQ(last.allocate(page, everything), everything - 2 * page + 1);
}

TEST(IovaSpaceTest, RefusesSizesThatAreNone) {
    IovaSpace space({{.first = 0, .last = 0xffff}}, page);
    EXPECT_EQ(space.allocate(0, everything), std::nullopt);
    EXPECT_EQ(space.allocate(100, everything), std::nullopt);
    EXPECT_EQ(space.allocate(16 * page, everything), std::nullopt); // the first page is nobody's
    EXPECT_EQ(space.allocate(15 * page, everything), page);
}

// Whatever is allocated and released: no two overlap, and in the end everything is one piece again.
TEST(IovaSpaceTest, NothingOverlapsAndNothingIsLost) {
    constexpr std::uint64_t pages = 64;
    IovaSpace space({{.first = page, .last = (pages + 1) * page - 1}}, page);
    std::map<std::uint64_t, std::uint64_t> taken;
    std::mt19937 random(4711); // NOLINT(bugprone-random-generator-seed): the same each time
    for (int step = 0; step < 100'000; ++step) {
        if (random() % 2 == 0) {
            const std::uint64_t size = (random() % 8 + 1) * page;
            const auto start = space.allocate(size, everything);
            if (!start) { continue; }
            const auto next = taken.lower_bound(*start);
            ASSERT_TRUE(next == taken.end() || *start + size <= next->first);
            ASSERT_TRUE(next == taken.begin() || std::prev(next)->first + std::prev(next)->second <= *start);
            taken[*start] = size;
        } else if (!taken.empty()) {
            const auto chosen =
                std::next(taken.begin(), static_cast<std::ptrdiff_t>(random() % taken.size()));
            space.release(chosen->first, chosen->second);
            taken.erase(chosen);
        }
    }
    for (const auto& [start, size] : taken) {
        space.release(start, size);
    }
    EXPECT_EQ(space.allocate(pages * page, everything), page);
}

} // namespace
} // namespace vb::hardware
