#include "http/mailbox.h"

#include <gtest/gtest.h>
#include <thread>
#include <vector>

namespace vb::http {

namespace {

TEST(MailboxTest, LettersOfManyThreadsRunOnTheLoopInOrder) {
    EventLoop loop = EventLoop::create().value();
    const auto mailbox = Mailbox::create(loop).value();
    constexpr int threads = 4;
    constexpr int letters = 2000;
    const auto loop_thread = std::this_thread::get_id();
    std::vector<int> last(threads, -1);
    int run = 0;
    std::vector<std::jthread> senders;
    for (int sender = 0; sender < threads; ++sender) {
        senders.emplace_back([&, sender] {
            for (int number = 0; number < letters; ++number) {
                mailbox->post([&, sender, number] {
                    EXPECT_EQ(std::this_thread::get_id(), loop_thread);
                    EXPECT_EQ(last[static_cast<std::size_t>(sender)], number - 1);
                    last[static_cast<std::size_t>(sender)] = number;
                    if (++run == threads * letters) { loop.stop(); }
                });
            }
        });
    }
    EXPECT_TRUE(loop.run());
    EXPECT_EQ(run, threads * letters);
}

TEST(MailboxTest, LetterPostedByALetterRunsToo) {
    EventLoop loop = EventLoop::create().value();
    const auto mailbox = Mailbox::create(loop).value();
    bool second = false;
    mailbox->post([&] {
        mailbox->post([&] {
            second = true;
            loop.stop();
        });
    });
    EXPECT_TRUE(loop.run());
    EXPECT_TRUE(second);
}

TEST(TimerTest, ElapsesOnceForEachStart) {
    EventLoop loop = EventLoop::create().value();
    int elapsed = 0;
    Timer timer(loop, [&] { ++elapsed; });
    Timer end(loop, [&] { loop.stop(); });
    timer.start(std::chrono::milliseconds(5));
    end.start(std::chrono::milliseconds(60));
    EXPECT_TRUE(loop.run());
    EXPECT_EQ(elapsed, 1);
}

} // namespace

} // namespace vb::http
