#include "journal/writer.h"
#include "unit/journal/scratch_directory.h"

#include <csignal>
#include <fcntl.h>
#include <functional>
#include <poll.h>
#include <random>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace {

using namespace vb;
using base::Level;
using journal::expect_range;
using journal::numbered_text;
using journal::read_directory;
using journal::Ring;
using journal::ScratchDirectory;
using journal::Times;

void wait_until(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!condition()) {
        ASSERT_LT(std::chrono::steady_clock::now(), deadline);
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

// PID 1 and its writer process.
class WriterTest : public testing::Test {
  protected:
    WriterTest() {
        int ends[2] = {-1, -1};
        EXPECT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
        log_.reset(ends[0]);
        log_end_.reset(ends[1]);
    }
    ~WriterTest() override {
        if (writer_ > 0) { kill_writer(); }
    }

    void start() {
        ring_.reset_writer();
        writer_ = ::fork();
        if (writer_ != 0) { return; }
        const base::Log log(log_end_.get(), "journal");
        const bool written =
            run_writer_process(ring_, {.directory = directory_.c_str()}, log, log_end_.get());
        ::_exit(written ? 0 : 1);
    }
    int end() {
        int status = -1;
        ::waitpid(std::exchange(writer_, 0), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    int stop() {
        ring_.stop_writer();
        return end();
    }
    void kill_writer() {
        ::kill(writer_, SIGKILL);
        EXPECT_EQ(end(), -1);
    }

    // Lines are numbered as the ring numbers them.
    void append(std::uint64_t count, Level level = Level::info) {
        for (std::uint64_t line = 0; line < count; ++line) {
            ring_.append(Times::now(), level, "test", numbered_text(ring_.last() + 1));
            ring_.poke();
        }
    }
    std::string logged() const {
        char text[4096];
        const ssize_t size = ::read(log_.get(), text, sizeof text);
        return {text, size > 0 ? static_cast<std::size_t>(size) : 0};
    }
    std::string read_process_file(const char* name) const {
        return journal::read_file("/proc/" + std::to_string(writer_) + "/" + name);
    }

    Ring ring_ = std::move(*Ring::create());
    ScratchDirectory scratch_;
    std::filesystem::path directory_ = scratch_.path() / "log";
    base::UniqueFd log_;
    base::UniqueFd log_end_;
    pid_t writer_ = 0;
};

TEST_F(WriterTest, HasEverythingOnTheDiskWhenItEnds) {
    append(100);
    start();
    append(3000);
    EXPECT_EQ(stop(), 0);
    EXPECT_EQ(ring_.flushed(), ring_.last());
    expect_range(read_directory(directory_), 1, 3100);
    // What is said later needs another one, which goes on behind the first.
    append(10);
    start();
    EXPECT_EQ(stop(), 0);
    expect_range(read_directory(directory_), 1, 3110);
    EXPECT_EQ(logged(), "");
}

TEST_F(WriterTest, SyncsByItselfAndThenSleepsWithoutATimer) {
    start();
    append(1, Level::warning);
    wait_until([&] { return ring_.flushed() == 1; });
    append(1);
    wait_until([&] { return ring_.flushed() == 2; });
    // The system call it is in and its arguments: poll(2) or ppoll(2), for ever.
    std::string call;
    wait_until([&] {
        call = read_process_file("syscall");
        return call.empty() || (!call.starts_with("running") && ring_.header()->waiting.load() == 1);
    });
    if (call.empty()) { GTEST_SKIP() << "the kernel does not show system calls"; }
    std::istringstream words(call);
    std::string number, files, count, timeout;
    words >> number >> files >> count >> timeout;
    EXPECT_EQ(count, "0x2");
    EXPECT_TRUE(timeout == "0xffffffff" || timeout == "0xffffffffffffffff" || timeout == "0x0") << call;
    EXPECT_EQ(stop(), 0);
}

TEST_F(WriterTest, NeverHoldsTheProducerUp) {
    start();
    append(10);
    wait_until([&] { return ring_.header()->waiting.load() == 1; });
    ::kill(writer_, SIGSTOP); // as the kernel would on a disk that hangs
    int status = 0;
    ::waitpid(writer_, &status, WUNTRACED);
    rusage before{};
    ::getrusage(RUSAGE_THREAD, &before);
    append(100'000);
    rusage after{};
    ::getrusage(RUSAGE_THREAD, &after);
    EXPECT_EQ(after.ru_nvcsw, before.ru_nvcsw) << "it slept";
    EXPECT_EQ(ring_.last(), 100'010U);
    std::uint64_t pokes = 0;
    EXPECT_EQ(::read(ring_.poke_fd(), &pokes, sizeof pokes), 8);
    EXPECT_EQ(pokes, 1U) << "one system call for all lines";
    ::kill(writer_, SIGCONT);
    EXPECT_EQ(stop(), 0);
    const auto entries = read_directory(directory_);
    std::uint64_t lost = 0;
    for (const auto& entry : entries) {
        lost += entry.lost;
    }
    EXPECT_GT(lost, 0U);
    EXPECT_EQ(entries.size() + lost, 100'010U);
    EXPECT_EQ(entries.back().sequence, 100'010U);
}

TEST_F(WriterTest, LosesNothingWhenItIsKilled) {
    ring_ = Ring::create(std::size_t{8} << 20U)
                .value();              // holds all lines, should none of the writers get anywhere
    std::minstd_rand random(20261123); // NOLINT: the same lines in each run; the moments differ anyway
    for (int round = 0; round < 40; ++round) {
        start();
        const auto lines = 1 + random() % 400;
        for (std::uint64_t line = 0; line < lines; ++line) {
            append(1, random() % 20 == 0 ? Level::warning : Level::info);
            if (random() % 8 == 0) { std::this_thread::yield(); }
        }
        kill_writer();
        const std::uint64_t flushed = ring_.flushed();
        if (!std::filesystem::exists(directory_)) { continue; } // killed before it did anything
        const auto entries = read_directory(directory_);
        expect_range(entries, 1, entries.size());
        ASSERT_GE(entries.size(), flushed);
    }
    EXPECT_GT(ring_.flushed(), 0U);
    start();
    EXPECT_EQ(stop(), 0);
    expect_range(read_directory(directory_), 1, ring_.last());
}

TEST_F(WriterTest, ReportsABadDiskOnceAndTriesAgain) {
    journal::write_file(directory_, "in the way");
    start();
    append(5);
    wait_until([&] { return ring_.fault() != 0; });
    EXPECT_EQ(ring_.fault(), ENOTDIR);
    append(5);
    EXPECT_EQ(stop(), 1);
    EXPECT_EQ(ring_.flushed(), 0U);
    EXPECT_NE(logged(), "");

    start();
    wait_until([&] { return ring_.fault() != 0; });
    EXPECT_NE(logged(), "");
    append(5);
    std::filesystem::remove(directory_);
    wait_until([&] { return ring_.flushed() == 15; }); // by its own timer
    wait_until([&] { return ring_.fault() == 0; });
    EXPECT_EQ(stop(), 0);
    expect_range(read_directory(directory_), 1, 15);
    const std::string text = logged();
    EXPECT_NE(text.find("the journal goes to the disk again"), std::string::npos) << text;
    EXPECT_EQ(std::ranges::count(text, '\n'), 1) << text;
}

TEST_F(WriterTest, SaysWhatIsWrong) {
    journal::write_file(directory_, "in the way");
    start();
    append(1);
    EXPECT_EQ(stop(), 1);
    const std::string text = logged();
    EXPECT_NE(text.find("journal: error: the journal stays in memory for now: "), std::string::npos) << text;
    EXPECT_NE(text.find("Not a directory (ENOTDIR)"), std::string::npos) << text;
    EXPECT_EQ(std::ranges::count(text, '\n'), 1) << text;
}

TEST_F(WriterTest, EndsWithAParentThatIsNotPidOne) {
    const pid_t parent = ::fork();
    if (parent == 0) {
        ring_.reset_writer();
        start();
        wait_until([&] { return ring_.header()->waiting.load() == 1; });
        append(7);
        ::_exit(0); // without a word
    }
    log_end_.reset();
    int status = -1;
    ::waitpid(parent, &status, 0);
    EXPECT_EQ(status, 0);
    pollfd end{.fd = log_.get(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&end, 1, 60'000), 1);
    EXPECT_TRUE((end.revents & POLLHUP) != 0);
    expect_range(read_directory(directory_), 1, 7);
}

TEST_F(WriterTest, WakesReadersThatFollow) {
    start();
    wait_until([&] { return ring_.header()->waiting.load() == 1; });
    const pid_t child = ::fork();
    if (child == 0) {
        journal::RingReader reader(*ring_.header());
        std::uint64_t read = 0;
        while (read < 50) {
            if (reader.read()) {
                ++read;
            } else {
                reader.wait();
            }
        }
        ::_exit(0);
    }
    for (int line = 0; line < 50; ++line) {
        append(1);
        std::this_thread::yield();
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(stop(), 0);
}

} // namespace
