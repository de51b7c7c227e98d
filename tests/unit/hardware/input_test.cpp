// Input devices: events as they come, and what is made of them after the kernel had to drop some.
#include "hardware/input.h"

#include "unit/hardware/device_tree.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace vb::hardware {

bool operator==(const InputEvent& one, const InputEvent& other) {
    return one.type == other.type && one.code == other.code && one.value == other.value;
}

namespace {

// What the device would say of itself.
class SimulatedInput final : public Ioctl {
  public:
    using Ioctl::call;
    int call(int fd, unsigned long number, std::uintptr_t argument) noexcept override {
        void* const target = reinterpret_cast<void*>(argument); // NOLINT(performance-no-int-to-ptr)
        const std::size_t size = _IOC_SIZE(number);
        if (failing == _IOC_NR(number)) {
            errno = ENODEV;
            return -1;
        }
        if (number == EVIOCSCLOCKID) {
            clock = *static_cast<int*>(target);
            return 0;
        }
        if (_IOC_NR(number) == _IOC_NR(EVIOCGNAME(0))) { return name(fd, static_cast<char*>(target), size); }
        if (_IOC_NR(number) == _IOC_NR(EVIOCGKEY(0))) { return bits(keys, target, size); }
        if (_IOC_NR(number) == _IOC_NR(EVIOCGSW(0))) { return bits(switches, target, size); }
        if (_IOC_NR(number) == _IOC_NR(EVIOCGBIT(EV_ABS, 0))) {
            std::vector<unsigned> there;
            there.reserve(axes.size());
            for (const auto& [axis, value] : axes) {
                there.push_back(axis);
            }
            return bits(there, target, size);
        }
        const auto axis = static_cast<unsigned>(_IOC_NR(number) - _IOC_NR(EVIOCGABS(0)));
        static_cast<input_absinfo*>(target)->value = axes.at(axis);
        return 0;
    }

    std::vector<unsigned> keys;
    std::vector<unsigned> switches;
    std::map<unsigned, int> axes;
    unsigned failing = 0; // number of a request
    int clock = -1;

  private:
    static int name(int fd, char* target, std::size_t size) {
        const std::string path = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd));
        const std::string own = path.ends_with("event10") ? "Lid" : "Keyboard";
        own.copy(target, size);
        return static_cast<int>(own.size());
    }
    static int bits(const std::vector<unsigned>& numbers, void* target, std::size_t size) {
        auto* const bytes = static_cast<unsigned char*>(target);
        std::fill_n(bytes, size, 0);
        for (const unsigned number : numbers) {
            bytes[number / 8] = static_cast<unsigned char>(bytes[number / 8] | 1 << number % 8);
        }
        return static_cast<int>(size);
    }
};

class InputTest : public ::testing::Test {
  protected:
    InputTest() {
        for (const char* const name : {"event2", "event10"}) {
            tree.directory.write("dev/input/mouse0", "");
            const std::string path = tree.roots().dev + "/input/" + name;
            EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0);
        }
        kernel_end.reset(
            ::open((tree.roots().dev + "/input/event2").c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK));
    }
    Result<InputDevice> try_open(const std::string& name) {
        return InputDevice::open(name, tree.roots(), kernel);
    }
    InputDevice open(const std::string& name = "event2") {
        auto device = try_open(name);
        EXPECT_TRUE(device) << reason(device);
        return std::move(*device);
    }
    void send(std::initializer_list<InputEvent> events) const {
        for (const InputEvent& event : events) {
            input_event raw{};
            raw.input_event_sec = 3;
            raw.input_event_usec = 7;
            raw.type = event.type;
            raw.code = event.code;
            raw.value = event.value;
            ASSERT_EQ(::write(kernel_end.get(), &raw, sizeof raw), static_cast<ssize_t>(sizeof raw));
        }
    }

    static constexpr InputEvent report{.type = EV_SYN, .code = SYN_REPORT};
    static constexpr InputEvent dropped{.type = EV_SYN, .code = SYN_DROPPED};
    static constexpr InputEvent a_down{.type = EV_KEY, .code = KEY_A, .value = 1};
    static constexpr InputEvent a_up{.type = EV_KEY, .code = KEY_A, .value = 0};
    static constexpr InputEvent b_down{.type = EV_KEY, .code = KEY_B, .value = 1};

    DeviceTree tree;
    SimulatedInput kernel;
    base::UniqueFd kernel_end;
};

TEST_F(InputTest, IsFoundByItsNumberOrItsName) {
    EXPECT_EQ(open("event2").name(), "input:event2");
    EXPECT_EQ(open("Lid").name(), "input:event10");
    EXPECT_EQ(kernel.clock, CLOCK_MONOTONIC);
    EXPECT_EQ(reason(try_open("Mouse")),
              "find the input device Mouse: there is no such device; there is event2 "
              "(Keyboard), event10 (Lid)");
    std::filesystem::remove_all(tree.roots().dev);
    EXPECT_EQ(reason(try_open("Mouse")),
              "find the input device Mouse: there is no such device; there is no input device at all");
}

TEST_F(InputTest, IsOpenedByALineOfText) {
    const auto device = open_input_device("input:Lid", tree.roots(), kernel);
    ASSERT_TRUE(device) << reason(device);
    EXPECT_EQ(device->name(), "input:event10");
    EXPECT_EQ(reason(open_input_device("gpio::LED", tree.roots(), kernel)),
              "open the input device gpio::LED: it is a GPIO line: Gpio() in Python and vb_gpio_open() in C "
              "open it");
    EXPECT_FALSE(open_input_device("input:", tree.roots(), kernel));
}

TEST_F(InputTest, EventsComeAsTheyAre) {
    auto device = open();
    EXPECT_EQ(device.take()->size(), 0U); // does not block
    send({a_down, report, a_up, report});
    const auto events = device.take();
    ASSERT_TRUE(events);
    EXPECT_EQ(*events, (std::vector<InputEvent>{a_down, report, a_up, report}));
    EXPECT_EQ(events->front().time, std::chrono::nanoseconds(3'000'007'000));
    EXPECT_FALSE(device.is_pressed(KEY_A));
    send({b_down});
    ASSERT_TRUE(device.take());
    EXPECT_TRUE(device.is_pressed(KEY_B));
    EXPECT_FALSE(device.is_pressed(0xffff));
}

TEST_F(InputTest, WhatIsPressedAlreadyIsNoEvent) {
    kernel.keys = {KEY_B};
    kernel.switches = {SW_LID};
    auto device = open();
    EXPECT_TRUE(device.is_pressed(KEY_B));
    EXPECT_TRUE(device.is_on(SW_LID));
    EXPECT_EQ(device.take()->size(), 0U);
}

TEST_F(InputTest, ManyAreTakenAtOnce) {
    auto device = open();
    for (int count = 0; count < 500; ++count) {
        send({a_down, report});
    }
    EXPECT_EQ(device.take()->size(), 1000U);
}

TEST_F(InputTest, AfterALossOnlyWhatHasChangedIsReported) {
    kernel.axes = {{ABS_X, 10}, {ABS_Y, 20}, {ABS_MT_SLOT, 1}};
    auto device = open();
    send({a_down, report, {.type = EV_ABS, .code = ABS_Y, .value = 21}, report});
    ASSERT_TRUE(device.take());
    // A was released, B pressed, the lid closed and X moved while nobody looked.
    kernel.keys = {KEY_B};
    kernel.switches = {SW_LID};
    kernel.axes[ABS_X] = 11;
    kernel.axes[ABS_Y] = 21;
    send({dropped, a_down, report, a_down, report}); // what follows is old
    const auto events = device.take();
    ASSERT_TRUE(events);
    EXPECT_EQ(*events, (std::vector<InputEvent>{a_up,
                                                b_down,
                                                {.type = EV_SW, .code = SW_LID, .value = 1},
                                                {.type = EV_ABS, .code = ABS_X, .value = 11},
                                                report}));
    EXPECT_FALSE(device.is_pressed(KEY_A));
    EXPECT_TRUE(device.is_pressed(KEY_B));
    EXPECT_EQ(device.losses(), 1U);
    EXPECT_EQ(device.take()->size(), 0U);
    send({a_down, report});
    EXPECT_EQ(device.take()->size(), 2U);
}

TEST_F(InputTest, WhatCameBeforeALossStays) {
    auto device = open();
    kernel.keys = {KEY_A};
    send({a_down, report, dropped, report});
    EXPECT_EQ(*device.take(), (std::vector<InputEvent>{a_down, report, report}));
}

TEST_F(InputTest, ADeviceThatIsGoneIsAnError) {
    auto device = open();
    kernel.failing = _IOC_NR(EVIOCGKEY(0));
    send({dropped});
    EXPECT_EQ(reason(device.take()), "ask the keys of input:event2: No such device (ENODEV)");
    EXPECT_FALSE(try_open("event2"));
    kernel_end.reset(); // the end of the FIFO
    EXPECT_EQ(reason(device.take()), "take the events of input:event2: the device is gone");
}

} // namespace
} // namespace vb::hardware
