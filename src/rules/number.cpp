#include "rules/number.h"

namespace vb::rules {

Number Number::of_register(std::uint64_t bits, config::RegisterType type) noexcept {
    Number number;
    const unsigned unused = 64 - 8 * static_cast<unsigned>(config::size_of(type));
    number.is_signed_ = config::is_signed(type);
    // Shifted back, a sign comes along.
    number.bits_ = number.is_signed_
                       ? static_cast<std::uint64_t>(static_cast<std::int64_t>(bits << unused) >> unused)
                       : (bits << unused) >> unused;
    return number;
}

bool holds(const config::Rule& rule, Number value) noexcept {
    return (!rule.above || value > *rule.above) && (!rule.below || value < *rule.below) &&
           (!rule.equal || value == *rule.equal);
}

} // namespace vb::rules
