#include "runtime/notify.h"

#include "notify_socket.h"

#include <gtest/gtest.h>

namespace vb::runtime {

namespace {

TEST(NotifyTest, SaysNothingWhenNobodyListens) {
    const auto notifier = Notifier::connect("");
    ASSERT_TRUE(notifier);
    EXPECT_TRUE(notifier->send("READY=1"));
}

TEST(NotifyTest, SendsOneDatagramToAPath) {
    const NotifySocket supervisor(testing::TempDir() + "/notify-" + std::to_string(::getpid()));
    const auto notifier = Notifier::connect(supervisor.address());
    ASSERT_TRUE(notifier);
    EXPECT_TRUE(notifier->send("READY=1\nSTATUS=serving"));
    EXPECT_EQ(supervisor.receive(), "READY=1\nSTATUS=serving");
}

TEST(NotifyTest, SendsToAnAbstractName) {
    const NotifySocket supervisor("@vector_boot-test-" + std::to_string(::getpid()));
    const auto notifier = Notifier::connect(supervisor.address());
    ASSERT_TRUE(notifier);
    EXPECT_TRUE(notifier->send("STOPPING=1"));
    EXPECT_EQ(supervisor.receive(), "STOPPING=1");
}

TEST(NotifyTest, BadAddressesAreRefused) {
    EXPECT_FALSE(Notifier::connect("relative/path"));
    EXPECT_FALSE(Notifier::connect("/" + std::string(200, 'x')));
    const auto missing = Notifier::connect("/nonexistent/socket");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().number, ENOENT);
    EXPECT_EQ(missing.error().object, "/nonexistent/socket");
}

TEST(NotifyTest, SupervisorThatIsGoneIsAnError) {
    auto supervisor = std::make_unique<NotifySocket>("@vector_boot-gone-" + std::to_string(::getpid()));
    const auto notifier = Notifier::connect(supervisor->address());
    ASSERT_TRUE(notifier);
    supervisor.reset();
    EXPECT_FALSE(notifier->send("READY=1"));
}

} // namespace

} // namespace vb::runtime
