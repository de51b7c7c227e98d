// The content of a register, which has a sign or has none: as text, and compared.
#pragma once

#include "config/rule.h"

#include <compare>
#include <cstdint>
#include <string>

namespace vb::rules {

class Number {
  public:
    constexpr Number() noexcept = default;
    constexpr explicit Number(std::int64_t value) noexcept
        : bits_(static_cast<std::uint64_t>(value)), is_signed_(true) {}
    // Of as many of the lowest bits as the type has.
    static Number of_register(std::uint64_t bits, config::RegisterType type) noexcept;

    std::uint64_t bits() const noexcept { return bits_; } // with the sign, where there is one
    std::string text() const { return is_signed_ ? std::to_string(value()) : std::to_string(bits_); }

    friend std::strong_ordering operator<=>(Number number, std::int64_t other) noexcept {
        if (number.is_signed_) { return number.value() <=> other; }
        return other < 0 ? std::strong_ordering::greater : number.bits_ <=> static_cast<std::uint64_t>(other);
    }
    friend bool operator==(Number number, std::int64_t other) noexcept {
        return std::is_eq(number <=> other);
    }

  private:
    std::int64_t value() const noexcept { return static_cast<std::int64_t>(bits_); }

    std::uint64_t bits_ = 0;
    bool is_signed_ = false;
};

// The rule's condition; true where it has none.
bool holds(const config::Rule& rule, Number value) noexcept;

} // namespace vb::rules
