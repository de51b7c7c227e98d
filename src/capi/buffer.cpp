#include "capi/buffer.h"

#include <algorithm>

namespace vb::capi {

vb_buffer* make_buffer(std::span<const std::byte> content) {
    auto buffer = std::make_unique<vb_buffer>();
    buffer->bytes = std::make_unique_for_overwrite<std::byte[]>(content.size() + 1);
    std::ranges::copy(content, buffer->bytes.get());
    buffer->bytes[content.size()] = std::byte{0};
    buffer->size = content.size();
    return buffer.release();
}

} // namespace vb::capi

extern "C" {

const void* vb_buffer_data(const vb_buffer* buffer) {
    return buffer != nullptr ? static_cast<const void*>(buffer->bytes.get()) : "";
}
size_t vb_buffer_size(const vb_buffer* buffer) { return buffer != nullptr ? buffer->size : 0; }
void vb_buffer_free(vb_buffer* buffer) { delete buffer; }

} // extern "C"
