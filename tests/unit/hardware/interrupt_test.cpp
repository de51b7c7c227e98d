// Interrupts: counted, none lost, and armed again as each kind wants it.
#include "hardware/device.h"
#include "hardware/interrupt.h"

#include "unit/hardware/device_tree.h"

#include <array>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <thread>

namespace vb::hardware {
namespace {

bool is_readable(int fd) {
    pollfd state{.fd = fd, .events = POLLIN, .revents = 0};
    return ::poll(&state, 1, 0) == 1 && (state.revents & POLLIN) != 0;
}

// Both ends of UIO's descriptor: each message is a counter, or an answer to it.
struct Uio {
    explicit Uio(std::uint32_t seen, Interrupt::Arm arm = {}) {
        int ends[2];
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
        kernel.reset(ends[0]);
        interrupt.emplace(Interrupt::adopt_uio(base::UniqueFd(ends[1]), seen, "uio:uio0", std::move(arm)));
    }
    void count(std::uint32_t value) const {
        ASSERT_EQ(::write(kernel.get(), &value, sizeof value), static_cast<ssize_t>(sizeof value));
    }

    base::UniqueFd kernel;
    std::optional<Interrupt> interrupt;
};

TEST(UioInterrupt, IsTheDifferenceOfTheCounter) {
    Uio uio(10);
    EXPECT_EQ(uio.interrupt->take(), 0U);
    EXPECT_FALSE(is_readable(uio.interrupt->fd()));
    uio.count(11);
    EXPECT_TRUE(is_readable(uio.interrupt->fd()));
    EXPECT_EQ(uio.interrupt->take(), 1U);
    EXPECT_EQ(uio.interrupt->take(), 0U);
    uio.count(10011);
    EXPECT_EQ(uio.interrupt->take(), 10000U);
}

TEST(UioInterrupt, CountsOnWhereTheCounterBeginsAgain) {
    Uio uio(0xfffffffe);
    uio.count(0xffffffff);
    EXPECT_EQ(uio.interrupt->take(), 1U);
    uio.count(2);
    EXPECT_EQ(uio.interrupt->take(), 3U);
}

TEST(UioInterrupt, IsAnErrorWhenTheDeviceIsGone) {
    Uio uio(0);
    uio.kernel.reset();
    EXPECT_EQ(reason(uio.interrupt->take()), "take the interrupt uio:uio0: the device is gone");
}

TEST(UioInterrupt, IsArmedWhenItIsTold) {
    int armed = 0;
    Uio uio(0, [&]() -> Result<> {
        ++armed;
        return {};
    });
    uio.count(1);
    EXPECT_EQ(uio.interrupt->take(), 1U);
    EXPECT_EQ(armed, 0);
    EXPECT_TRUE(uio.interrupt->arm());
    EXPECT_EQ(armed, 1);
}

class InterruptTest : public ::testing::Test {
  protected:
    std::string fifo(const std::string& name) const {
        const std::string path = tree.directory.path() / name;
        std::filesystem::create_directories(std::filesystem::path(path).parent_path());
        std::filesystem::remove(path);
        EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0);
        return path;
    }

    DeviceTree tree;
};

TEST_F(InterruptTest, UioPciGenericIsArmedInTheConfigurationSpace) {
    tree.add_uio("uio0", "uio_pci_generic");
    tree.add_pci("0000:00:04.0", "1234", "11e8");
    tree.bind("0000:00:04.0", "uio_pci_generic");
    tree.directory.link(DeviceTree::uio("uio0") / "device", "../../../bus/pci/devices/0000:00:04.0");
    tree.directory.write(DeviceTree::pci("0000:00:04.0") / "uio/uio0/dev", "");
    tree.directory.write(DeviceTree::uio("uio0") / "event", "7\n");
    const std::string silenced = std::string("\x34\x12\xe8\x11\x07\x04\x10\x00", 8); // COMMAND is 0x0407
    tree.directory.write(DeviceTree::pci("0000:00:04.0") / "config", silenced);
    const base::UniqueFd kernel(::open(fifo("dev/uio0").c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));

    const auto device = open_device("pci:1234:11e8", tree.roots());
    ASSERT_TRUE(device) << reason(device);
    auto interrupt = (*device)->interrupt();
    ASSERT_TRUE(interrupt) << reason(interrupt);
    EXPECT_EQ(tree.directory.read(DeviceTree::pci("0000:00:04.0") / "config"),
              std::string("\x34\x12\xe8\x11\x07\x00\x10\x00", 8));
    const std::uint32_t counter = 9;
    ASSERT_EQ(::write(kernel.get(), &counter, sizeof counter), 4);
    EXPECT_EQ(interrupt->take(), 2U);

    tree.directory.write(DeviceTree::pci("0000:00:04.0") / "config", silenced);
    ASSERT_TRUE(interrupt->arm());
    EXPECT_EQ(tree.directory.read(DeviceTree::pci("0000:00:04.0") / "config")[5], 0);
}

TEST_F(InterruptTest, OtherDriversOfUioAreArmedByAWrite) {
    tree.add_uio("uio0", "sensor"); // a plain file stands for the node: a write goes to its beginning
    const auto device = open_device("uio:sensor", tree.roots());
    ASSERT_TRUE(device);
    auto interrupt = (*device)->interrupt();
    ASSERT_TRUE(interrupt) << reason(interrupt);
    EXPECT_EQ(tree.directory.read("dev/uio0").substr(0, 5), std::string("\1\0\0\0\0", 5));
    ASSERT_TRUE(interrupt->arm());
    EXPECT_EQ(tree.directory.read("dev/uio0").substr(4, 5), std::string("\1\0\0\0\0", 5));
}

TEST_F(InterruptTest, APciDeviceWithoutUioHasNone) {
    tree.add_pci("0000:00:04.0", "1234", "11e8");
    const auto device = open_device("pci:1234:11e8", tree.roots());
    ASSERT_TRUE(device);
    EXPECT_EQ(reason((*device)->interrupt()),
              "open the interrupt pci:0000:00:04.0: it has no driver that passes interrupts on; bind "
              "uio_pci_generic, or take it as vfio:0000:00:04.0");
}

TEST_F(InterruptTest, EachByteOfAFifoIsOne) {
    const std::string path = fifo("fifo");
    const std::string registers = tree.directory.write("registers", std::string(64, '\0'));
    const auto device = open_device("file:" + registers + "?interrupt=" + path);
    ASSERT_TRUE(device);
    auto interrupt = (*device)->interrupt();
    ASSERT_TRUE(interrupt) << reason(interrupt);
    EXPECT_FALSE(is_readable(interrupt->fd()));
    EXPECT_EQ(interrupt->take(), 0U);
    for (int round = 0; round < 3; ++round) { // a simulator may come and go
        const base::UniqueFd simulator(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
        ASSERT_EQ(::write(simulator.get(), "abc", 3), 3);
        EXPECT_TRUE(is_readable(interrupt->fd()));
        EXPECT_EQ(interrupt->take(), 3U);
        EXPECT_FALSE(is_readable(interrupt->fd()));
    }
    EXPECT_FALSE(is_readable(interrupt->fd()));
    EXPECT_TRUE(interrupt->arm());
}

TEST_F(InterruptTest, NoneOfManyIsLost) {
    const std::string path = fifo("fifo");
    auto interrupt = Interrupt::open_fifo(path);
    ASSERT_TRUE(interrupt);
    constexpr std::uint64_t sent = 1'000'000;
    std::jthread simulator([&] {
        const base::UniqueFd end(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
        const std::array<char, 100> bytes{};
        for (std::uint64_t count = 0; count < sent / bytes.size(); ++count) {
            ASSERT_EQ(::write(end.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
        }
    });
    std::uint64_t taken = 0;
    while (taken < sent) {
        pollfd state{.fd = interrupt->fd(), .events = POLLIN, .revents = 0};
        ASSERT_EQ(::poll(&state, 1, 60'000), 1);
        const auto some = interrupt->take();
        ASSERT_TRUE(some);
        taken += *some;
    }
    EXPECT_EQ(taken, sent);
    EXPECT_EQ(interrupt->take(), 0U);
}

TEST_F(InterruptTest, SaysWhatIsWrongWithAFifo) {
    const std::string plain = tree.directory.write("registers", "abcd");
    const auto no_interrupt = open_device("file:" + plain);
    ASSERT_TRUE(no_interrupt);
    EXPECT_EQ(reason((*no_interrupt)->interrupt()),
              "open the interrupt file:" + plain + ": none was given; add ?interrupt=/path of a FIFO");
    EXPECT_EQ(reason(Interrupt::open_fifo(plain)),
              "open " + plain + ": it is not a FIFO, as mkfifo makes them");
    EXPECT_EQ(reason(Interrupt::open_fifo("/nonexistent")),
              "open /nonexistent: No such file or directory (ENOENT)");
}

TEST_F(InterruptTest, AnEventfdCountsByItself) {
    const int eventfd = ::eventfd(0, EFD_CLOEXEC);
    auto interrupt = Interrupt::adopt_eventfd(base::UniqueFd(eventfd), "vfio");
    ASSERT_TRUE(interrupt);
    EXPECT_EQ(interrupt->take(), 0U); // does not block
    ::eventfd_write(eventfd, 1);
    ::eventfd_write(eventfd, 41);
    EXPECT_TRUE(is_readable(interrupt->fd()));
    EXPECT_EQ(interrupt->take(), 42U);
    EXPECT_FALSE(Interrupt::adopt_eventfd(base::UniqueFd(), "none"));
}

} // namespace
} // namespace vb::hardware
