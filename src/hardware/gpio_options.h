// Which GPIO line is meant, and as what it is wanted.
#pragma once

#include <cstdint>
#include <string>

namespace vb::hardware {

struct GpioName {
    std::string chip; // "gpiochip0", or what the chip is labelled; empty: whichever has a line of that name
    std::string line; // its number on the chip, or its name
};

struct GpioOptions {
    enum class Direction : unsigned char { input, output };
    enum class Edges : unsigned char { none, rising, falling, both };
    enum class Bias : unsigned char { unchanged, off, pull_up, pull_down };
    enum class Drive : unsigned char { push_pull, open_drain, open_source };

    Direction direction = Direction::input;
    bool is_active_low = false;
    Edges edges = Edges::none; // of an input
    Bias bias = Bias::unchanged;
    std::uint32_t debounce_microseconds = 0; // of an input
    Drive drive = Drive::push_pull;          // of an output, like the next
    bool value = false;                      // from the beginning
};

} // namespace vb::hardware
