// What an engine has done, counted by its thread without a lock and read by any.
#pragma once

#include "engine/engine.h"

#include <atomic>

namespace vb::engine {

struct Tally {
    std::atomic<std::uint32_t> running = 0;
    std::atomic<std::uint64_t> held_tokens = 0;
    std::atomic<std::uint64_t> token_room = 0;
    std::atomic<std::uint64_t> prompt_tokens = 0;
    std::atomic<std::uint64_t> cached_tokens = 0;
    std::atomic<std::uint64_t> completion_tokens = 0;
    std::atomic<base::Nanoseconds> last_step{};

    Counters read(std::uint32_t waiting) const {
        constexpr auto order = std::memory_order_relaxed;
        return {.running = running.load(order),
                .waiting = waiting,
                .held_tokens = held_tokens.load(order),
                .token_room = token_room.load(order),
                .prompt_tokens = prompt_tokens.load(order),
                .cached_tokens = cached_tokens.load(order),
                .completion_tokens = completion_tokens.load(order),
                .last_step = last_step.load(order)};
    }
};

} // namespace vb::engine
