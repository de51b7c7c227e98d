#include "journal/reader.h"

#include "unit/journal/scratch_directory.h"

namespace {

using namespace vb;
using namespace std::chrono_literals;
using base::Level;
using journal::Entry;
using journal::Filter;
using journal::Reader;
using journal::Ring;
using journal::ScratchDirectory;
using journal::Store;

constexpr journal::Id one_boot = {0xb0};

std::string path_of(const Ring& ring) { return "/proc/self/fd/" + std::to_string(ring.fd()); }

// A ring of 40 lines, of which the store has the first 30 and, of an earlier run, two more.
class ReaderTest : public testing::Test {
  protected:
    ReaderTest() {
        Store earlier({.directory = scratch_.path().c_str()}, {0xee}, one_boot);
        EXPECT_TRUE(earlier.open());
        EXPECT_TRUE(earlier.append({.sequence = 1, .times = at(1), .unit = "earlier", .text = "one"}));
        EXPECT_TRUE(earlier.append({.sequence = 2, .times = at(2), .unit = "earlier", .text = "two"}));
        EXPECT_TRUE(earlier.sync());
        earlier.close();
        Store store({.directory = scratch_.path().c_str()}, ring_.header()->run, one_boot);
        EXPECT_TRUE(store.open());
        for (std::uint64_t sequence = 1; sequence <= 40; ++sequence) {
            const bool odd = sequence % 2 == 1;
            const Level level = sequence % 10 == 0 ? Level::warning : Level::info;
            ring_.append(at(100 + sequence), level, odd ? "odd" : "even", std::to_string(sequence));
            if (sequence > 30) { continue; }
            EXPECT_TRUE(store.append({.sequence = sequence,
                                      .times = at(100 + sequence),
                                      .level = level,
                                      .unit = odd ? "odd" : "even",
                                      .text = std::to_string(sequence)}));
        }
        EXPECT_TRUE(store.sync());
    }
    static journal::Times at(std::uint64_t second) {
        return {.monotonic = std::chrono::seconds(second), .realtime = std::chrono::seconds(second)};
    }
    std::vector<Entry> read(const Filter& filter) {
        auto reader = Reader::open({.ring = path_of(ring_), .directory = scratch_.path()});
        EXPECT_TRUE(reader);
        auto entries = reader->read(filter);
        EXPECT_TRUE(entries);
        return *entries;
    }

    ScratchDirectory scratch_;
    Ring ring_ = std::move(*Ring::create());
};

TEST_F(ReaderTest, JoinsDiskAndRingWithoutDuplicates) {
    const auto entries = read({});
    ASSERT_EQ(entries.size(), 42U);
    EXPECT_EQ(entries[0].text, "one");
    EXPECT_EQ(entries[1].text, "two");
    for (std::size_t index = 2; index < 42; ++index) {
        EXPECT_EQ(entries[index].text, std::to_string(index - 1));
        EXPECT_EQ(entries[index].lost, 0U);
        EXPECT_EQ(entries[index].run, 1U);
    }
}

TEST_F(ReaderTest, Filters) {
    Filter unit;
    unit.unit = "odd";
    EXPECT_EQ(read(unit).size(), 20U);
    Filter level;
    level.least = Level::warning;
    EXPECT_EQ(read(level).size(), 4U);
    Filter since;
    since.since = 121s;
    EXPECT_EQ(read(since).size(), 20U);
    Filter newest;
    newest.last = 3;
    const auto entries = read(newest);
    ASSERT_EQ(entries.size(), 3U);
    EXPECT_EQ(entries[0].text, "38");
    Filter previous;
    previous.run = "-1";
    EXPECT_EQ(read(previous).size(), 2U);
    previous.run = "ee000000";
    EXPECT_EQ(read(previous).size(), 2U);
    previous.run = journal::to_text(ring_.header()->run);
    EXPECT_EQ(read(previous).size(), 40U);
    Filter all = unit;
    all.least = Level::warning;
    all.run = "0";
    EXPECT_EQ(read(all).size(), 0U);
}

TEST_F(ReaderTest, NamesABootThatIsNotThere) {
    auto reader = Reader::open({.ring = path_of(ring_), .directory = scratch_.path()});
    Filter filter;
    for (const char* const run : {"-2", "-99", "none"}) {
        filter.run = run;
        const auto entries = reader->read(filter);
        ASSERT_FALSE(entries) << run;
        EXPECT_EQ(entries.error().object, run);
    }
}

TEST_F(ReaderTest, FollowsTheRing) {
    auto reader = Reader::open({.ring = path_of(ring_), .directory = scratch_.path()});
    ASSERT_TRUE(reader->read({}));
    EXPECT_EQ(reader->follow({}).size(), 0U);
    ring_.append(at(200), Level::info, "odd", "41");
    ring_.append(at(200), Level::info, "even", "42");
    Filter even;
    even.unit = "even";
    const auto entries = reader->follow(even);
    ASSERT_EQ(entries.size(), 1U);
    EXPECT_EQ(entries[0].text, "42");
    EXPECT_EQ(entries[0].lost, 0U);
}

TEST_F(ReaderTest, SaysWhereLinesAreMissing) {
    // Overwritten in the ring before anything had reached the disk again.
    Ring ring = std::move(*Ring::create(4096));
    for (std::uint64_t sequence = 1; sequence <= 1000; ++sequence) {
        ring.append(at(sequence), Level::info, "u", std::to_string(sequence));
    }
    auto reader = Reader::open({.ring = path_of(ring), .directory = ""});
    const auto entries = reader->read({});
    ASSERT_TRUE(entries);
    EXPECT_EQ(entries->front().lost + entries->size(), 1000U);
    for (std::uint64_t sequence = 1001; sequence <= 2000; ++sequence) {
        ring.append(at(sequence), Level::info, "u", std::to_string(sequence));
    }
    const auto later = reader->follow({});
    EXPECT_EQ(later.front().lost + later.size(), 1000U);
}

TEST(ReaderOpenTest, NeedsOneSource) {
    const ScratchDirectory scratch;
    EXPECT_FALSE(Reader::open({.ring = "", .directory = ""}));
    const auto neither = Reader::open({.ring = "/nowhere", .directory = "/nowhere/either"});
    ASSERT_FALSE(neither);
    EXPECT_EQ(neither.error().number, ENOENT);
    EXPECT_TRUE(Reader::open({.ring = "/nowhere", .directory = scratch.path()}));
    const Ring ring = std::move(*Ring::create());
    EXPECT_TRUE(Reader::open({.ring = path_of(ring), .directory = "/nowhere"}));
}

} // namespace
