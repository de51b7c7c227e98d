// vb_buffer: bytes that outlive whatever made them.
#pragma once

#include "vector_boot.h"

#include <cstddef>
#include <memory>
#include <span>

struct vb_buffer {
    std::unique_ptr<std::byte[]> bytes; // as operator new aligns them: for any type
    std::size_t size = 0;
};

namespace vb::capi {

// A copy, with a NUL after its end. The caller owns it.
vb_buffer* make_buffer(std::span<const std::byte> content);

// Of text, tokens or floats.
template <class Values>
vb_buffer* make_buffer(const Values& values) {
    return make_buffer(std::as_bytes(std::span(values)));
}

} // namespace vb::capi
