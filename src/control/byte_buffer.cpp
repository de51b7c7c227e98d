#include "control/byte_buffer.h"

#include <algorithm>
#include <cstring>

namespace vb::control {

bool ByteBuffer::grow() noexcept {
    constexpr std::size_t first = 2048;
    const std::size_t wanted = std::min(std::max(2 * capacity_, first), most_);
    if (wanted == capacity_) { return false; }
    void* const grown = std::realloc(bytes_.get(), wanted);
    if (grown == nullptr) { return false; }
    (void)bytes_.release(); // realloc(3) has freed or moved it
    bytes_.reset(static_cast<char*>(grown));
    capacity_ = wanted;
    return true;
}

void ByteBuffer::consume(std::size_t count) noexcept {
    size_ -= count;
    if (size_ == 0) {
        bytes_.reset();
        capacity_ = 0;
    } else if (count > 0) {
        std::memmove(bytes_.get(), bytes_.get() + count, size_);
    }
}

} // namespace vb::control
