// The names of a rule's choices, as TOML and JSON have them. For .cpp files that read or write rules: glaze is slow to
// compile.
#pragma once

#include "config/rule.h"

#include <glaze/core/common.hpp>

template <>
struct glz::meta<vb::config::RuleEvent> {
    using enum vb::config::RuleEvent;
    static constexpr auto value = enumerate(change, interrupt, timer, edge, input, attached, detached);
};
template <>
struct glz::meta<vb::config::RegisterType> {
    using enum vb::config::RegisterType;
    static constexpr auto value = enumerate(u8, u16, u32, u64, i8, i16, i32, i64);
};
