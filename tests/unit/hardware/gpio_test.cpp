// GPIO lines on a kernel that is not there: what is asked of it, and what its edges become.
#include "hardware/gpio.h"

#include "unit/hardware/device_tree.h"

#include <algorithm>
#include <array>
#include <gtest/gtest.h>
#include <linux/gpio.h>
#include <sys/socket.h>

namespace vb::hardware {
namespace {

using Direction = GpioOptions::Direction;
using Edges = GpioOptions::Edges;

template <std::size_t Size>
void put(char (&target)[Size], std::string_view text) {
    text.copy(target, Size - 1);
}

// Two chips with four lines each; the one that is opened is at the other end of a socket.
class SimulatedGpio final : public Ioctl {
  public:
    using Ioctl::call;
    int call(int fd, unsigned long number, std::uintptr_t argument) noexcept override {
        void* const structure = reinterpret_cast<void*>(argument); // NOLINT(performance-no-int-to-ptr)
        const std::string path = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd));
        const bool is_second = path.ends_with("1");
        switch (number) {
        case GPIO_GET_CHIPINFO_IOCTL: {
            auto& information = *static_cast<gpiochip_info*>(structure);
            put(information.label, is_second ? "expander" : "soc");
            information.lines = 4;
            return 0;
        }
        case GPIO_V2_GET_LINEINFO_IOCTL: {
            auto& line = *static_cast<gpio_v2_line_info*>(structure);
            if (is_second && line.offset == 2) { put(line.name, "LED"); }
            put(line.consumer, "the kernel");
            return 0;
        }
        case GPIO_V2_GET_LINE_IOCTL:
            return open_line(*static_cast<gpio_v2_line_request*>(structure), path);
        case GPIO_V2_LINE_GET_VALUES_IOCTL:
            static_cast<gpio_v2_line_values*>(structure)->bits =
                value & static_cast<gpio_v2_line_values*>(structure)->mask;
            return failing;
        case GPIO_V2_LINE_SET_VALUES_IOCTL:
            value = static_cast<gpio_v2_line_values*>(structure)->bits;
            return failing;
        default:
            errno = ENOTTY;
            return -1;
        }
    }
    int open_line(gpio_v2_line_request& wanted, const std::string& path) {
        request = wanted;
        chip = std::filesystem::path(path).filename();
        if (is_busy) {
            errno = EBUSY;
            return -1;
        }
        int ends[2];
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
        kernel.reset(ends[0]);
        wanted.fd = ends[1];
        return 0;
    }
    void edges(std::initializer_list<std::uint32_t> numbers) const {
        std::vector<gpio_v2_line_event> events;
        for (const std::uint32_t number : numbers) {
            gpio_v2_line_event event{};
            event.timestamp_ns = std::uint64_t{number} * 1000;
            event.id = number % 2 == 1 ? GPIO_V2_LINE_EVENT_RISING_EDGE : GPIO_V2_LINE_EVENT_FALLING_EDGE;
            event.seqno = event.line_seqno = number;
            events.push_back(event);
        }
        const std::size_t size = events.size() * sizeof events[0];
        ASSERT_EQ(::write(kernel.get(), events.data(), size), static_cast<ssize_t>(size));
    }

    gpio_v2_line_request request{};
    std::string chip;
    base::UniqueFd kernel;
    std::uint64_t value = 0;
    bool is_busy = false;
    int failing = 0;
};

class GpioTest : public ::testing::Test {
  protected:
    GpioTest() {
        tree.directory.write("dev/gpiochip0", "");
        tree.directory.write("dev/gpiochip1", "");
    }
    Result<GpioLine> try_open(const GpioName& name, const GpioOptions& options = {}) {
        return GpioLine::open(name, options, tree.roots(), kernel);
    }
    GpioLine open(const GpioName& name, const GpioOptions& options = {}) {
        auto line = try_open(name, options);
        EXPECT_TRUE(line) << reason(line);
        return std::move(*line);
    }

    DeviceTree tree;
    SimulatedGpio kernel;
};

TEST_F(GpioTest, ALineIsFoundByNumberOrName) {
    EXPECT_EQ(open({.chip = "gpiochip0", .line = "3"}).name(), "gpio:gpiochip0:3");
    EXPECT_EQ(kernel.request.offsets[0], 3U);
    EXPECT_EQ(kernel.request.num_lines, 1U);
    EXPECT_STREQ(kernel.request.consumer, "vector_boot");
    EXPECT_EQ(kernel.chip, "gpiochip0");
    EXPECT_EQ(open({.chip = "expander", .line = "0"}).name(), "gpio:gpiochip1:0");
    EXPECT_EQ(open({.chip = "", .line = "LED"}).name(), "gpio:gpiochip1:2");
    EXPECT_EQ(kernel.chip, "gpiochip1");
    EXPECT_EQ(open({.chip = "gpiochip1", .line = "LED"}).name(), "gpio:gpiochip1:2");
}

TEST_F(GpioTest, IsOpenedByALineOfText) {
    auto line = open_gpio_line("gpio:soc:1?edges=both&bias=off", tree.roots(), kernel);
    ASSERT_TRUE(line) << reason(line);
    EXPECT_EQ(line->name(), "gpio:gpiochip0:1");
    EXPECT_EQ(kernel.request.config.flags, GPIO_V2_LINE_FLAG_INPUT | GPIO_V2_LINE_FLAG_EDGE_RISING |
                                               GPIO_V2_LINE_FLAG_EDGE_FALLING |
                                               GPIO_V2_LINE_FLAG_BIAS_DISABLED);
    line = open_gpio_line("gpio::LED?direction=output&value=1", tree.roots(), kernel);
    ASSERT_TRUE(line) << reason(line);
    EXPECT_EQ(line->name(), "gpio:gpiochip1:2");
    EXPECT_EQ(kernel.request.config.flags, GPIO_V2_LINE_FLAG_OUTPUT);
    EXPECT_EQ(kernel.request.config.attrs[0].attr.values, 1U);
    EXPECT_EQ(reason(open_gpio_line("input:event0", tree.roots(), kernel)),
              "open the GPIO line input:event0: it is an input device: Input() in Python and "
              "vb_input_open() in C open it");
    EXPECT_FALSE(open_gpio_line("gpio:soc", tree.roots(), kernel));
}

TEST_F(GpioTest, ALineThatWasOpenedWithoutEdgesSaysSo) {
    EXPECT_EQ(reason(open({.chip = "soc", .line = "1"}).take()),
              "take the edges of gpio:gpiochip0:1: it was opened without: expected edges=rising, falling "
              "or both");
}

TEST_F(GpioTest, SaysWhatThereIsInstead) {
    const std::string chips = "there is gpiochip0 (soc, 4 lines), gpiochip1 (expander, 4 lines)";
    EXPECT_EQ(reason(try_open({.chip = "soc", .line = "LED"})),
              "find the GPIO line soc LED: there is no such line; " + chips);
    EXPECT_EQ(reason(try_open({.chip = "soc", .line = "4"})),
              "find the GPIO line soc 4: there is no such line; " + chips);
    EXPECT_EQ(reason(try_open({.chip = "", .line = "1"})), // of which chip?
              "find the GPIO line 1: there is no such line; " + chips);
    kernel.is_busy = true;
    EXPECT_EQ(
        reason(try_open({.chip = "", .line = "LED"})),
        "open the GPIO line gpio:gpiochip1:2: it is used by the kernel: Device or resource busy (EBUSY)");
    std::filesystem::remove_all(tree.roots().dev);
    EXPECT_EQ(reason(try_open({.chip = "", .line = "LED"})),
              "find the GPIO line LED: there is no such line; there is no GPIO chip at all");
}

TEST_F(GpioTest, AnOutputHasItsValueFromTheBeginning) {
    auto line =
        open({.chip = "", .line = "LED"},
             {.direction = Direction::output, .drive = GpioOptions::Drive::open_drain, .value = true});
    EXPECT_EQ(kernel.request.config.flags, GPIO_V2_LINE_FLAG_OUTPUT | GPIO_V2_LINE_FLAG_OPEN_DRAIN);
    ASSERT_EQ(kernel.request.config.num_attrs, 1U);
    EXPECT_EQ(kernel.request.config.attrs[0].attr.id, GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES);
    EXPECT_EQ(kernel.request.config.attrs[0].attr.values, 1U);
    EXPECT_EQ(kernel.request.config.attrs[0].mask, 1U);
    ASSERT_TRUE(line.write(true));
    EXPECT_EQ(kernel.value, 1U);
    EXPECT_EQ(line.read(), true);
    ASSERT_TRUE(line.write(false));
    EXPECT_EQ(line.read(), false);
    kernel.failing = -1;
    errno = ENODEV;
    EXPECT_FALSE(line.read());
    EXPECT_FALSE(line.write(true));
}

TEST_F(GpioTest, AnInputIsAskedForAsItIsWanted) {
    auto line = open({.chip = "soc", .line = "1"}, {.is_active_low = true,
                                                    .edges = Edges::falling,
                                                    .bias = GpioOptions::Bias::pull_up,
                                                    .debounce_microseconds = 5000});
    EXPECT_EQ(kernel.request.config.flags, GPIO_V2_LINE_FLAG_INPUT | GPIO_V2_LINE_FLAG_ACTIVE_LOW |
                                               GPIO_V2_LINE_FLAG_EDGE_FALLING |
                                               GPIO_V2_LINE_FLAG_BIAS_PULL_UP);
    EXPECT_EQ(kernel.request.config.attrs[0].attr.id, GPIO_V2_LINE_ATTR_ID_DEBOUNCE);
    EXPECT_EQ(kernel.request.config.attrs[0].attr.debounce_period_us, 5000U);
    EXPECT_EQ(reason(line.write(true)), "write gpio:gpiochip0:1: it is an input");
    EXPECT_EQ(reason(try_open({.chip = "soc", .line = "1"},
                              {.direction = Direction::output, .edges = Edges::both})),
              "open the GPIO line 1: an output has no edges");
}

TEST_F(GpioTest, EdgesComeInOrderAndSayWhatWasLost) {
    auto line = open({.chip = "soc", .line = "1"}, {.edges = Edges::both});
    ASSERT_TRUE(line.take()); // does not block
    kernel.edges({1, 2, 3});
    auto edges = line.take();
    ASSERT_TRUE(edges);
    ASSERT_EQ(edges->size(), 3U);
    EXPECT_TRUE((*edges)[0].is_rising);
    EXPECT_FALSE((*edges)[1].is_rising);
    EXPECT_EQ((*edges)[2].time.count(), 3000);
    EXPECT_EQ((*edges)[0].lost + (*edges)[1].lost + (*edges)[2].lost, 0U);
    kernel.edges({8});
    edges = line.take();
    ASSERT_EQ(edges->size(), 1U);
    EXPECT_EQ((*edges)[0].lost, 4U);
    kernel.kernel.reset();
    EXPECT_EQ(reason(line.take()), "take the edges of gpio:gpiochip0:1: the chip is gone");
}

} // namespace
} // namespace vb::hardware
