// A cursor over bytes that are not trusted. Every read is bounded; the first that cannot be done, and the
// first value that is refused, become the one message that counts: offset, field, what was found, what was
// expected.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace vb::engine {

class GgufReader {
  public:
    explicit GgufReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

    std::uint64_t offset() const { return offset_; }
    // Another reader of the same bytes, for a second look at what was read before.
    GgufReader at(std::uint64_t offset) const {
        GgufReader other(bytes_);
        other.offset_ = offset;
        return other;
    }
    std::uint64_t remaining() const { return bytes_.size() - offset_; }
    const std::string& refusal() const { return refusal_; }

    // All of these return false, and refuse, when the bytes are not there. `field` names what is read.
    template <class Number>
        requires std::is_arithmetic_v<Number>
    bool read(std::string_view field, Number& value) {
        if (!need(field, sizeof value)) { return false; }
        std::memcpy(&value, bytes_.data() + offset_, sizeof value);
        offset_ += sizeof value;
        return true;
    }
    bool skip(std::string_view field, std::uint64_t size) {
        if (!need(field, size)) { return false; }
        offset_ += size;
        return true;
    }
    // A string: its length in 8 bytes, then its bytes.
    bool read_text(std::string_view field, std::string_view& text) {
        std::uint64_t size = 0;
        if (remaining() < sizeof size) { return need(field, sizeof size); }
        std::memcpy(&size, bytes_.data() + offset_, sizeof size);
        if (size > remaining() - sizeof size) {
            return refuse(offset_, field, "a length of " + std::to_string(size),
                          "at most the " + std::to_string(remaining() - sizeof size) + " bytes that follow");
        }
        offset_ += sizeof size;
        text = {reinterpret_cast<const char*>(bytes_.data()) + offset_, static_cast<std::size_t>(size)};
        offset_ += size;
        return true;
    }

    // Always false, so that checks can end with it.
    bool refuse(std::uint64_t offset, std::string_view field, std::string_view found,
                std::string_view expected);

  private:
    bool need(std::string_view field, std::uint64_t size) {
        if (size <= remaining()) { return true; }
        return refuse(offset_, field, "the end of the file after " + std::to_string(remaining()) + " bytes",
                      std::to_string(size) + " bytes");
    }

    std::span<const std::byte> bytes_;
    std::uint64_t offset_ = 0;
    std::string refusal_;
};

inline bool GgufReader::refuse(std::uint64_t offset, std::string_view field, std::string_view found,
                               std::string_view expected) {
    if (refusal_.empty()) {
        refusal_ = "offset " + std::to_string(offset) + ": ";
        refusal_.append(field).append(" is ").append(found).append(", expected ").append(expected);
    }
    return false;
}

} // namespace vb::engine
