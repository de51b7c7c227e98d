// Mapped registers: what is read and written, and what is refused.
#include "hardware/region.h"

#include "unit/hardware/scratch.h"

#include <array>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>
#include <vector>

namespace vb::hardware {
namespace {

constexpr std::size_t size = 8192;

class RegionTest : public ::testing::Test {
  protected:
    // What the file has, as somebody else sees it.
    template <class Value>
    Value in_file(off_t offset) const {
        Value value{};
        EXPECT_EQ(::pread(file.get(), &value, sizeof value, offset), static_cast<ssize_t>(sizeof value));
        return value;
    }

    base::UniqueFd file = memory_file(size);
    Region region = *Region::map(file.get(), {.offset = 0, .size = size}, Access::read_write, "registers");
};

TEST_F(RegionTest, WritesAndReadsEachWidth) {
    ASSERT_TRUE(region.write(16, std::uint64_t{0x8877665544332211}));
    EXPECT_EQ(in_file<std::uint64_t>(16), 0x8877665544332211);
    EXPECT_EQ(region.read<std::uint64_t>(16), 0x8877665544332211);
    EXPECT_EQ(region.read<std::uint32_t>(20), 0x88776655);
    EXPECT_EQ(region.read<std::uint16_t>(18), 0x4433);
    EXPECT_EQ(region.read<std::uint8_t>(23), 0x88);
    ASSERT_TRUE(region.write(20, std::uint32_t{0xdeadbeef}));
    ASSERT_TRUE(region.write(18, std::uint16_t{0xcafe}));
    ASSERT_TRUE(region.write(16, std::uint8_t{1}));
    EXPECT_EQ(in_file<std::uint64_t>(16), 0xdeadbeefcafe2201);
    EXPECT_EQ(in_file<std::uint64_t>(8), 0U);
    EXPECT_EQ(in_file<std::uint64_t>(24), 0U);
}

TEST_F(RegionTest, TakesTheWidthAtRunTime) {
    const std::array widths{Width::bits8, Width::bits16, Width::bits32, Width::bits64};
    for (const Width width : widths) {
        ASSERT_TRUE(region.write(std::uint64_t{8}, std::uint64_t{0}));
        ASSERT_TRUE(region.write(width, 8, 0x1122334455667788));
        const auto bits = static_cast<unsigned>(width) * 8;
        const std::uint64_t expected = 0x1122334455667788 & (~std::uint64_t{0} >> (64 - bits));
        EXPECT_EQ(region.read(width, 8), expected);
        EXPECT_EQ(in_file<std::uint64_t>(8), expected); // nothing beside it
    }
    EXPECT_FALSE(region.read(static_cast<Width>(3), 0));
    EXPECT_FALSE(region.write(static_cast<Width>(0), 0, 0));
}

TEST_F(RegionTest, ReadsTheFirstAndTheLast) {
    EXPECT_TRUE(region.read<std::uint8_t>(0));
    EXPECT_TRUE(region.read<std::uint8_t>(size - 1));
    EXPECT_TRUE(region.read<std::uint64_t>(size - 8));
    EXPECT_TRUE(region.write(size - 4, std::uint32_t{7}));
}

TEST_F(RegionTest, RefusesWhatIsBeyondIt) {
    EXPECT_EQ(reason(region.read<std::uint32_t>(size)),
              "read registers: 32 bits at offset 0x2000 are beyond its 0x2000 bytes");
    EXPECT_FALSE(region.read<std::uint8_t>(size));
    EXPECT_FALSE(region.write(size, std::uint64_t{1}));
    // Where offset + width would begin again at zero.
    EXPECT_FALSE(region.read<std::uint64_t>(std::numeric_limits<std::size_t>::max() - 7));
    EXPECT_FALSE(region.read<std::uint8_t>(std::numeric_limits<std::size_t>::max()));
    EXPECT_FALSE(Region().read<std::uint8_t>(0));
}

TEST_F(RegionTest, RefusesWhatIsNotAligned) {
    EXPECT_EQ(reason(region.write(0x12, std::uint32_t{1})),
              "write registers: 32 bits at offset 0x12 are not aligned: it is no multiple of 4");
    EXPECT_FALSE(region.read<std::uint16_t>(1));
    EXPECT_FALSE(region.read<std::uint64_t>(4));
    EXPECT_EQ(in_file<std::uint64_t>(16), 0U);
}

TEST_F(RegionTest, WritesNothingToWhatIsReadOnly) {
    auto readable = Region::map(file.get(), {.size = size}, Access::read_only, "sensor");
    ASSERT_TRUE(readable);
    EXPECT_TRUE(readable->read<std::uint32_t>(0));
    EXPECT_EQ(reason(readable->write(0, std::uint32_t{1})),
              "write sensor: 32 bits at offset 0x0 cannot be written: it was opened for reading only");
    const std::array<std::byte, 4> bytes{};
    EXPECT_FALSE(readable->write_block(Width::bits8, 0, bytes));
}

TEST_F(RegionTest, CopiesBlocksInAnyWidth) {
    std::vector<std::byte> pattern(512);
    for (std::size_t at = 0; at < pattern.size(); ++at) {
        pattern[at] = static_cast<std::byte>(at * 7);
    }
    for (const Width width : {Width::bits8, Width::bits16, Width::bits32, Width::bits64}) {
        ASSERT_TRUE(region.write_block(width, 64, std::vector<std::byte>(512)));
        ASSERT_TRUE(region.write_block(width, 64, pattern));
        std::vector<std::byte> back(512);
        ASSERT_TRUE(region.read_block(width, 64, back));
        EXPECT_EQ(back, pattern);
        EXPECT_EQ(in_file<std::uint8_t>(63), 0);
        EXPECT_EQ(in_file<std::uint8_t>(64 + 512), 0);
        EXPECT_EQ(in_file<std::uint8_t>(64 + 511), static_cast<std::uint8_t>(pattern[511]));
    }
    EXPECT_TRUE(region.read_block(Width::bits32, size, {}));
}

TEST_F(RegionTest, RefusesBlocksAsAWhole) {
    std::vector<std::byte> bytes(16, std::byte{1});
    EXPECT_EQ(
        reason(region.write_block(Width::bits32, size - 8, bytes)),
        "write registers: 16 bytes at offset 0x1ff8 in accesses of 32 bits are beyond its 0x2000 bytes");
    EXPECT_EQ(in_file<std::uint64_t>(size - 8), 0U);
    EXPECT_FALSE(region.read_block(Width::bits64, 4, bytes));
    EXPECT_FALSE(region.read_block(Width::bits64, 0, std::span(bytes).first(12)));
    EXPECT_FALSE(region.read_block(Width::bits8, std::numeric_limits<std::size_t>::max(), bytes));
}

TEST_F(RegionTest, BeginsWhereItIsTold) {
    ASSERT_TRUE(region.write(4096 + 16, std::uint32_t{42}));
    auto part = Region::map(file.get(), {.offset = 4096 + 16, .size = 32}, Access::read_only, "part");
    ASSERT_TRUE(part);
    EXPECT_EQ(part->read<std::uint32_t>(0), 42U);
    EXPECT_FALSE(part->read<std::uint32_t>(32));
}

TEST_F(RegionTest, MapsNothingThatIsNotThere) {
    const auto map = [&](std::uint64_t offset, std::size_t bytes) {
        return reason(Region::map(file.get(), {.offset = offset, .size = bytes}, Access::read_write, "file"));
    };
    EXPECT_EQ(map(0, size + 1), "map file: it has 8192 bytes, too few for 8193 at offset 0");
    EXPECT_EQ(map(4096, size), "map file: it has 8192 bytes, too few for 8192 at offset 4096");
    EXPECT_EQ(map(4, 16), "map file: offset 4 is not a multiple of 8");
    EXPECT_EQ(map(0, 0), "map file: it has no size");
    EXPECT_NE(map(0, std::numeric_limits<std::size_t>::max()), "there is no error");
    EXPECT_NE(map(std::numeric_limits<std::uint64_t>::max() - 7, 16), "there is no error");
    EXPECT_EQ(reason(Region::map(-1, {.size = 8}, Access::read_only, "none")),
              "map none: Bad file descriptor (EBADF)");
}

TEST_F(RegionTest, OutlivesItsDescriptorAndMoves) {
    file.reset();
    Region moved = std::move(region);
    EXPECT_TRUE(moved.write(0, std::uint32_t{5}));
    Region assigned;
    assigned = std::move(moved);
    EXPECT_EQ(assigned.read<std::uint32_t>(0), 5U);
    EXPECT_EQ(assigned.name(), "registers");
}

TEST_F(RegionTest, AllOnesAreData) {
    ASSERT_TRUE(region.write(0, ~std::uint32_t{0}));
    EXPECT_EQ(region.read<std::uint32_t>(0), 0xffffffff);
}

TEST(Memory, IsZeroedAndShared) {
    auto memory = Region::allocate(10000, "buffer");
    ASSERT_TRUE(memory);
    EXPECT_EQ(memory->size(), 10000U);
    EXPECT_EQ(memory->read<std::uint64_t>(9992), 0U);
    EXPECT_EQ(status_of([&] { (void)memory->write(0, std::uint32_t{3}); }), 0);
    EXPECT_EQ(memory->read<std::uint32_t>(0), 3U);
    EXPECT_FALSE(Region::allocate(0, "nothing"));
}

TEST(Barriers, AreInstructionsThatThereAre) {
    read_barrier();
    write_barrier();
    full_barrier();
}

} // namespace
} // namespace vb::hardware
