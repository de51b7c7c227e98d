// Where the numbers and texts of a good GGUF file's header lie, so that tests can change them.
#pragma once

#include "unit/engine/gguf_builder.h"

#include <algorithm>
#include <array>

namespace vb::test {

class GgufFields {
  public:
    // Of arrays only the first and the last element count, and of texts the length and the first byte.
    static std::vector<Field> of(const std::string& file) {
        GgufFields walk(file);
        walk.whole();
        return std::move(walk.fields_);
    }

  private:
    explicit GgufFields(const std::string& file) : file_(file) {}

    void whole() {
        at_ = 4;
        number("version", 4);
        const auto tensors = number("tensor count", 8);
        const auto pairs = number("key count", 8);
        for (std::uint64_t pair = 0; pair < pairs; ++pair) {
            const std::string key = text("key " + std::to_string(pair));
            value(key, number("type of " + key, 4));
        }
        for (std::uint64_t tensor = 0; tensor < tensors; ++tensor) {
            const std::string name = text("name of tensor " + std::to_string(tensor));
            const auto dimensions = number("dimension count of " + name, 4);
            for (std::uint64_t dimension = 0; dimension < dimensions; ++dimension) {
                number("dimension " + std::to_string(dimension) + " of " + name, 8);
            }
            number("tensor type of " + name, 4);
            number("offset of " + name, 8);
        }
    }
    void value(const std::string& key, std::uint64_t type) {
        if (type == 8) {
            text(key);
        } else if (type != 9) {
            number(key, size_of(type));
        } else {
            const auto element = number("element type of " + key, 4);
            const auto count = number("count of " + key, 8);
            for (std::uint64_t index = 0; index < count; ++index) {
                const bool counts = index == 0 || index + 1 == count;
                const std::size_t before = fields_.size();
                value(key + " " + std::to_string(index), element);
                if (!counts) { fields_.resize(before); }
            }
        }
    }
    std::uint64_t number(std::string name, std::size_t size) {
        std::uint64_t value = 0;
        std::memcpy(&value, file_.data() + at_, size);
        fields_.push_back({std::move(name), at_, size});
        at_ += size;
        return value;
    }
    std::string text(const std::string& name) {
        const auto size = number("length of " + name, 8);
        if (size > 0) { fields_.push_back({"text of " + name, at_, 1}); }
        at_ += size;
        return file_.substr(at_ - size, size);
    }
    static std::size_t size_of(std::uint64_t type) {
        constexpr std::array<std::size_t, 13> sizes{1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
        return sizes[type];
    }

    const std::string& file_;
    std::size_t at_ = 0;
    std::vector<Field> fields_;
};

} // namespace vb::test
