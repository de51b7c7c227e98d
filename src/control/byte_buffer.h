// Bytes between a socket and the code: grows by doubling up to a limit, and has no memory while it is empty. To run
// out of memory, or into the limit, is an answer and not an exception: its owner gives up one connection.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <span>
#include <string_view>

namespace vb::control {

class ByteBuffer {
  public:
    explicit ByteBuffer(std::size_t most) noexcept : most_(most) {}

    std::string_view view() const noexcept { return {bytes_.get(), size_}; }
    bool empty() const noexcept { return size_ == 0; }

    // Where more bytes may be put; commit() makes them part of the buffer. May be empty: see grow().
    std::span<char> room() noexcept { return {bytes_.get() + size_, capacity_ - size_}; }
    void commit(std::size_t count) noexcept { size_ += count; }
    // Makes room() larger; false at the limit or without memory, and then nothing changes.
    bool grow() noexcept;
    // Forgets the first `count` bytes.
    void consume(std::size_t count) noexcept;
    void clear() noexcept { consume(size_); }

  private:
    struct Free {
        void operator()(char* bytes) const noexcept { std::free(bytes); }
    };

    std::size_t most_;
    std::unique_ptr<char, Free> bytes_;
    std::size_t capacity_ = 0;
    std::size_t size_ = 0;
};

} // namespace vb::control
