#include "journal/ring_reader.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <string>
#include <sys/mman.h>
#include <sys/wait.h>
#include <thread>

namespace {

using namespace vb;
using namespace std::chrono_literals;
using base::Level;
using journal::Ring;
using journal::RingMapping;
using journal::RingReader;

constexpr journal::Times noon{.monotonic = 12s, .realtime = 1'700'000'000s};

Ring small_ring() { return std::move(*Ring::create(4096)); }

// A text that says which record it is in, and that a mixture of two records cannot imitate.
std::string text_of(std::uint64_t sequence) {
    std::string text = std::to_string(sequence);
    text.append(sequence * 7919 % 900, static_cast<char>('a' + sequence % 26));
    return text;
}

bool is_poked(const Ring& ring) {
    pollfd poked{.fd = ring.poke_fd(), .events = POLLIN, .revents = 0};
    return ::poll(&poked, 1, 0) == 1;
}

TEST(RingTest, GivesBackWhatWasAppended) {
    Ring ring = std::move(*Ring::create());
    ring.append(noon, Level::warning, "dhcp", "no lease");
    RingReader reader(*ring.header());
    const auto record = reader.read();
    ASSERT_TRUE(record);
    EXPECT_EQ(record->sequence, 1U);
    EXPECT_EQ(record->times.monotonic, 12s);
    EXPECT_EQ(record->times.realtime, 1'700'000'000s);
    EXPECT_EQ(record->level, Level::warning);
    EXPECT_EQ(record->unit, "dhcp");
    EXPECT_EQ(record->text, "no lease");
    EXPECT_FALSE(record->cut);
    EXPECT_FALSE(reader.read());
    ring.append(noon, Level::info, "dhcp", "");
    EXPECT_EQ(reader.read()->text, "");
    EXPECT_EQ(ring.last(), 2U);
}

TEST(RingTest, CutsWhatIsTooLongBetweenCharacters) {
    Ring ring = small_ring();
    RingReader reader(*ring.header());
    const std::string text = std::string(1022, 'x') + "\u00e9";
    ring.append(noon, Level::info, std::string(40, 'u'), text);
    const auto record = reader.read();
    ASSERT_TRUE(record);
    EXPECT_EQ(record->unit, std::string(31, 'u'));
    EXPECT_EQ(record->text, std::string(1022, 'x'));
    EXPECT_TRUE(record->cut);
    ring.append(noon, Level::info, "u", std::string(1023, 'x'));
    EXPECT_FALSE(reader.read()->cut);
}

TEST(RingTest, KeepsOnlyPlainText) {
    Ring ring = small_ring();
    RingReader reader(*ring.header());
    using namespace std::string_view_literals;
    ring.append(noon, Level::info, "a\nb",
                "\x1b[31mred\0 caf\xe9 \u202e\u009b na\u00efve \U0001f600\t\xed\xa0\x80"sv);
    const auto record = reader.read();
    EXPECT_EQ(record->unit, "a?b");
    EXPECT_EQ(record->text, "?[31mred? caf? ????? na\u00efve \U0001f600\t???");
}

TEST(RingTest, TakesACopyOfALog) {
    Ring ring = small_ring();
    base::Log log(-1, "vector_boot"); // a console that is not there
    log.info("before");
    log.set_sink(journal::log_sink(ring));
    log.warning("disk ", 7, " is slow");
    log.debug("not let through");
    RingReader reader(*ring.header());
    const auto record = reader.read();
    ASSERT_TRUE(record);
    EXPECT_EQ(record->unit, "vector_boot");
    EXPECT_EQ(record->text, "disk 7 is slow");
    EXPECT_EQ(record->level, Level::warning);
    EXPECT_GT(record->times.realtime, record->times.monotonic);
    EXPECT_FALSE(reader.read());
}

TEST(RingTest, OverwritesTheOldestAndSaysHowManyAreLost) {
    Ring ring = small_ring();
    RingReader early(*ring.header());
    ring.append(noon, Level::info, "u", "first");
    ASSERT_EQ(early.read()->sequence, 1U);
    for (std::uint64_t sequence = 2; sequence <= 1000; ++sequence) {
        ring.append(noon, Level::info, "u", text_of(sequence));
    }
    std::uint64_t read = 1;
    std::uint64_t last = 1;
    while (const auto record = early.read()) {
        EXPECT_EQ(record->text, text_of(record->sequence));
        EXPECT_TRUE(last == 1 || record->sequence == last + 1);
        last = record->sequence;
        ++read;
    }
    EXPECT_EQ(last, 1000U);
    EXPECT_GT(read, 3U);
    EXPECT_EQ(read + early.lost(), 1000U);

    RingReader late(*ring.header(), 998);
    EXPECT_EQ(late.read()->sequence, 999U);
    EXPECT_EQ(late.lost(), 0U);
}

// Every size of record at every position of the ring.
TEST(RingTest, WrapsAnywhere) {
    Ring ring = small_ring();
    RingReader reader(*ring.header());
    for (std::size_t round = 0; round < 3; ++round) {
        for (std::size_t length = 0; length <= journal::most_text_bytes; ++length) {
            const std::string text(length, static_cast<char>('a' + length % 26));
            ring.append(noon, Level::info, "unit", text);
            const auto record = reader.read();
            ASSERT_TRUE(record);
            ASSERT_EQ(record->text, text);
        }
    }
    EXPECT_EQ(reader.lost(), 0U);
}

TEST(RingTest, ReadersNeverSeeTornRecords) {
    Ring ring = small_ring(); // a few records long, so that they are overtaken all the time
    constexpr std::uint64_t count = 200'000;
    std::vector<std::string> texts;
    for (std::uint64_t sequence = 0; sequence <= 2600; ++sequence) {
        texts.push_back(text_of(sequence));
    }
    std::vector<std::thread> readers;
    std::atomic<std::uint64_t> seen = 0;
    std::atomic<int> ready = 0;
    for (int thread = 0; thread < 3; ++thread) {
        readers.emplace_back([&] {
            RingReader reader(*ring.header());
            ready.fetch_add(1);
            std::uint64_t read = 0;
            std::uint64_t last = 0;
            while (last != count) {
                const auto record = reader.read();
                if (!record) { continue; }
                ++read;
                ASSERT_GT(record->sequence, last);
                last = record->sequence;
                ASSERT_EQ(record->text, texts[last % 2600]) << last;
                ASSERT_EQ(record->times.monotonic.count(), static_cast<std::int64_t>(last * 3));
                ASSERT_EQ(record->times.realtime.count(), static_cast<std::int64_t>(last * 5));
                ASSERT_EQ(read + reader.lost(), last);
            }
            seen.fetch_add(read);
        });
    }
    while (ready.load() != 3) {
        std::this_thread::yield();
    }
    for (std::uint64_t sequence = 1; sequence <= count; ++sequence) {
        ring.append(
            {.monotonic = base::Nanoseconds(sequence * 3), .realtime = base::Nanoseconds(sequence * 5)},
            Level::info, "u", texts[sequence % 2600]);
    }
    for (std::thread& reader : readers) {
        reader.join();
    }
    EXPECT_GT(seen.load(), 3U);
}

TEST(RingTest, PokesOnlyAWriterThatWaitsAndOnlyForSomethingNew) {
    Ring ring = small_ring();
    ring.append(noon, Level::info, "u", "the writer is busy");
    ring.poke();
    EXPECT_FALSE(is_poked(ring));
    ring.header()->waiting.store(1);
    ring.poke();
    EXPECT_FALSE(is_poked(ring)) << "nothing came since the writer looked";
    ring.append(noon, Level::info, "u", "x");
    ring.append(noon, Level::info, "u", "y");
    EXPECT_FALSE(is_poked(ring)) << "appending does not enter the kernel";
    ring.poke();
    EXPECT_TRUE(is_poked(ring));
    EXPECT_EQ(ring.header()->waiting.load(), 0U);
}

TEST(RingTest, IsReadOnlyForEverybodyElse) {
    Ring ring = small_ring();
    ring.append(noon, Level::info, "u", "seen by another process");
    const std::string path = "/proc/self/fd/" + std::to_string(ring.fd());
    const base::UniqueFd writable(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    if (writable) { // root may open it all the same
        EXPECT_EQ(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, writable.get(), 0), MAP_FAILED);
        EXPECT_NE(::ftruncate(writable.get(), 0), 0);
        EXPECT_LT(::write(writable.get(), "x", 1), 0);
    }
    const auto mapping = RingMapping::open(path.c_str());
    ASSERT_TRUE(mapping);
    RingReader reader(mapping->header());
    EXPECT_EQ(reader.read()->text, "seen by another process");
}

TEST(RingTest, RefusesWhatIsNotARing) {
    EXPECT_FALSE(Ring::create(5000));
    EXPECT_FALSE(Ring::create(2048));
    EXPECT_FALSE(RingMapping::attach(-1));
    EXPECT_FALSE(RingMapping::open("/nowhere"));
    const base::UniqueFd other(::memfd_create("other", MFD_CLOEXEC));
    EXPECT_FALSE(RingMapping::attach(other.get()));
    ASSERT_EQ(::ftruncate(other.get(), 8192), 0);
    EXPECT_FALSE(RingMapping::attach(other.get()));
    Ring none;
    none.append(noon, Level::info, "u", "to nowhere");
    none.poke();
    none.stop_writer();
    EXPECT_EQ(none.last(), 0U);
}

// What PID 1 writes through its mapping is not trusted by readers to be a record.
TEST(RingTest, SurvivesNonsenseInTheMapping) {
    Ring ring = small_ring();
    for (int line = 0; line < 200; ++line) {
        ring.append(noon, Level::info, "u", "a line");
    }
    std::atomic<std::uint64_t>* const words = journal::ring_words(ring.header());
    for (std::uint64_t at = 0; at < ring.header()->capacity; ++at) {
        words[at].store(at * 0x9e3779b97f4a7c15U);
    }
    RingReader reader(*ring.header());
    while (reader.read()) {}
    for (int line = 0; line < 200; ++line) {
        ring.append(noon, Level::info, "u", "a line again");
    }
    EXPECT_EQ(reader.read()->text, "a line again");
}

// 'S' in the third field of /proc/PID/stat, behind the name in parentheses.
bool is_asleep(pid_t process) {
    char text[256] = {};
    const base::UniqueFd file(
        ::open(("/proc/" + std::to_string(process) + "/stat").c_str(), O_RDONLY | O_CLOEXEC));
    const ssize_t size = ::read(file.get(), text, sizeof text - 1);
    const std::string_view stat(text, size > 0 ? static_cast<std::size_t>(size) : 0);
    const std::size_t name_end = stat.rfind(')');
    return name_end != std::string_view::npos && stat.substr(name_end).starts_with(") S");
}

TEST(RingTest, AReaderInAnotherProcessWaitsOnTheReadOnlyMapping) {
    Ring ring = small_ring();
    ring.header()->waiting.store(1); // as if a writer would ring
    const pid_t child = ::fork();
    if (child == 0) {
        const auto mapping = RingMapping::attach(ring.fd());
        if (!mapping) { ::_exit(1); }
        RingReader reader(mapping->header());
        int waits = 0;
        std::optional<journal::Record> record;
        while (!(record = reader.read())) {
            reader.wait();
            if (++waits > 10) { ::_exit(3); } // it does not sleep
        }
        ::_exit(record->text == "wake up" ? 0 : 2);
    }
    int status = -1;
    while (!is_asleep(child) && ::waitpid(child, &status, WNOHANG) == 0) {
        std::this_thread::yield();
    }
    ring.append(noon, Level::info, "u", "wake up");
    journal::ring_the_bell(*ring.header());
    if (status == -1) { ::waitpid(child, &status, 0); }
    EXPECT_EQ(status, 0);
}

} // namespace
