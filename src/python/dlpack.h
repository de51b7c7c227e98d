// The exchange of tensors without copies: the two structs of DLPack, as far as they are needed to give rows of floats
// away (https://dmlc.github.io/dlpack/latest/c_api.html). Layout and names are DLPack's.
#pragma once

#include <cstdint>

namespace vb::python::dlpack {

constexpr std::int32_t device_cpu = 1;
constexpr std::uint8_t code_float = 2;
constexpr std::uint64_t flag_read_only = 1;

struct Tensor {
    void* data;
    std::int32_t device_type;
    std::int32_t device_id;
    std::int32_t dimensions;
    std::uint8_t code;
    std::uint8_t bits;
    std::uint16_t lanes;
    std::int64_t* shape;
    std::int64_t* strides;
    std::uint64_t byte_offset;
};

struct Managed { // before version 1
    Tensor tensor;
    void* context;
    void (*deleter)(Managed*);
};

struct ManagedVersioned {
    std::uint32_t major;
    std::uint32_t minor;
    void* context;
    void (*deleter)(ManagedVersioned*);
    std::uint64_t flags;
    Tensor tensor;
};

} // namespace vb::python::dlpack
