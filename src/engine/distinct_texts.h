// Finds repeated texts among up to millions, without an allocation for each: one flat table of indices.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace vb::engine {

class DistinctTexts {
  public:
    // The texts' bytes outlive this object.
    explicit DistinctTexts(std::size_t expected)
        : table_(std::bit_ceil(expected * 2 + 2)), mask_(table_.size() - 1) {
        texts_.reserve(expected);
    }

    // Adds a text; returns the index of an equal one that was added before, or its own (the count so far).
    // At most `expected` texts can be added.
    std::size_t add(std::string_view text) {
        for (std::size_t slot = hash(text) & mask_;; slot = (slot + 1) & mask_) {
            if (table_[slot] == 0) {
                texts_.push_back(text);
                table_[slot] = static_cast<std::uint32_t>(texts_.size());
                return texts_.size() - 1;
            }
            const std::size_t index = table_[slot] - 1;
            if (texts_[index] == text) { return index; }
        }
    }
    std::size_t size() const { return texts_.size(); }

  private:
    static std::uint64_t hash(std::string_view text) {
        std::uint64_t state = 0x9E3779B97F4A7C15U ^ text.size();
        const auto mix = [&state](std::uint64_t word) {
            state = (state ^ word) * 0xD6E8FEB86659FD93U;
            state ^= state >> 32U;
        };
        for (; text.size() >= 8; text.remove_prefix(8)) {
            std::uint64_t word = 0;
            std::memcpy(&word, text.data(), 8);
            mix(word);
        }
        std::uint64_t word = 0;
        if (!text.empty()) { std::memcpy(&word, text.data(), text.size()); }
        mix(word);
        return state;
    }

    std::vector<std::uint32_t> table_; // index into texts_ plus one; 0 is free
    std::size_t mask_;
    std::vector<std::string_view> texts_;
};

} // namespace vb::engine
