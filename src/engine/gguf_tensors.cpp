#include "engine/gguf_tensors.h"

#include <ggml.h>

#include <limits>

namespace vb::engine {
namespace {

constexpr std::uint64_t most_tensor_elements =
    static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

// False when the result does not fit.
bool align_up(std::uint64_t value, std::uint64_t alignment, std::uint64_t& aligned) {
    if (__builtin_add_overflow(value, alignment - 1, &aligned)) { return false; }
    aligned &= ~(alignment - 1);
    return true;
}

// What ggml has no code for to multiply with: results on the way, and numbers that are no weights. Whole numbers of
// 32 bits are, in few tensors, indices into others.
bool can_be_computed(ggml_type type, std::string_view name) {
    switch (type) {
    case GGML_TYPE_Q8_1:
    case GGML_TYPE_Q8_K:
    case GGML_TYPE_I8:
    case GGML_TYPE_I16:
    case GGML_TYPE_I64:
    case GGML_TYPE_F64:
        return false;
    case GGML_TYPE_I32:
        return name.contains("tid2eid") || name.contains("index");
    default:
        return true;
    }
}

// What is added or multiplied element by element, which ggml does on the CPU with floats only.
bool must_be_floats(std::string_view name) { return name.contains("norm") || name.ends_with(".bias"); }

} // namespace

bool GgufTensors::check(std::uint64_t file_size) {
    for (std::uint64_t index = 0; index < count_; ++index) {
        if (!check_one(index)) { return false; }
    }
    const std::uint64_t header_end = reader_.offset();
    std::uint64_t data_end = 0;
    if (!align_up(header_end, alignment_, data_begin_) ||
        __builtin_add_overflow(data_begin_, data_bytes_, &data_end)) {
        return reader_.refuse(header_end, "end of the tensor data", "beyond 64 bits",
                              "an offset in the file");
    }
    if (data_end <= file_size) { return true; }
    return reader_.refuse(header_end, "file size", std::to_string(file_size),
                          "at least " + std::to_string(data_end) +
                              ", where the data of the last tensor ends");
}

bool GgufTensors::check_one(std::uint64_t index) {
    const std::string field = "tensor " + std::to_string(index);
    Tensor tensor;
    return check_name(index, "name of " + field, tensor) && read_dimensions(field, tensor) &&
           read_type("type of " + field, tensor) && check_offset("offset of " + field, tensor.bytes);
}

bool GgufTensors::check_name(std::uint64_t index, const std::string& field, Tensor& tensor) {
    const std::uint64_t at = reader_.offset();
    std::string_view& name = tensor.name;
    if (!reader_.read_text(field, name)) { return false; }
    if (name.empty() || name.size() >= GGML_MAX_NAME) {
        return reader_.refuse(at, "length of the " + field, std::to_string(name.size()), "1 to 63");
    }
    if (name.contains('\0')) { return reader_.refuse(at + 8, field, "text with a NUL", "text without"); }
    if (const std::uint64_t first = names_.add(name); first != index) {
        return reader_.refuse(at + 8, field, "that of tensor " + std::to_string(first),
                              "every name only once");
    }
    return true;
}

bool GgufTensors::read_dimensions(const std::string& field, Tensor& tensor) {
    const std::uint64_t at = reader_.offset();
    std::uint32_t dimensions = 0;
    if (!reader_.read("dimension count of " + field, dimensions)) { return false; }
    if (dimensions == 0 || dimensions > GGML_MAX_DIMS) {
        return reader_.refuse(at, "dimension count of " + field, std::to_string(dimensions), "1 to 4");
    }
    for (std::uint32_t index = 0; index < dimensions; ++index) {
        const std::uint64_t size_at = reader_.offset();
        const std::string name = "dimension " + std::to_string(index) + " of " + field;
        std::int64_t size = 0;
        if (!reader_.read(name, size)) { return false; }
        if (size <= 0) { return reader_.refuse(size_at, name, std::to_string(size), "more than 0"); }
        const auto positive = static_cast<std::uint64_t>(size);
        if (__builtin_mul_overflow(tensor.elements, positive, &tensor.elements) ||
            tensor.elements > most_tensor_elements) {
            return reader_.refuse(size_at, name, std::to_string(size),
                                  "less than 2^63 elements in the tensor");
        }
        if (index == 0) { tensor.row = positive; }
    }
    return true;
}

bool GgufTensors::read_type(const std::string& field, Tensor& tensor) {
    const std::uint64_t at = reader_.offset();
    std::int32_t number = 0;
    if (!reader_.read(field, number)) { return false; }
    const bool known = number >= 0 && number < GGML_TYPE_COUNT;
    const auto type = static_cast<ggml_type>(known ? number : 0);
    const std::int64_t block = known ? ggml_blck_size(type) : 0; // 0 for types that were removed
    if (block <= 0) { return reader_.refuse(at, field, std::to_string(number), "one of ggml's types"); }
    if (!can_be_computed(type, tensor.name)) {
        return reader_.refuse(at, field, ggml_type_name(type), "a type of weights");
    }
    if (type != GGML_TYPE_F32 && must_be_floats(tensor.name)) {
        return reader_.refuse(at, field + ", \"" + std::string(tensor.name) + "\",", ggml_type_name(type),
                              "f32");
    }
    const auto block_elements = static_cast<std::uint64_t>(block);
    if (tensor.row % block_elements != 0) {
        return reader_.refuse(
            at, field, std::string(ggml_type_name(type)) + " with rows of " + std::to_string(tensor.row),
            "rows of a multiple of " + std::to_string(block_elements));
    }
    if (__builtin_mul_overflow(tensor.elements / block_elements, std::uint64_t{ggml_type_size(type)},
                               &tensor.bytes) ||
        tensor.bytes > most_tensor_elements) {
        return reader_.refuse(at, field, "of " + std::to_string(tensor.elements) + " elements",
                              "less than 2^63 bytes");
    }
    return true;
}

bool GgufTensors::check_offset(const std::string& field, std::uint64_t bytes) {
    const std::uint64_t at = reader_.offset();
    std::uint64_t offset = 0;
    if (!reader_.read(field, offset)) { return false; }
    if (offset != next_offset_) {
        return reader_.refuse(at, field, std::to_string(offset),
                              std::to_string(next_offset_) + ", where the tensor before it ends");
    }
    std::uint64_t padded = 0;
    if (!align_up(bytes, alignment_, padded) || __builtin_add_overflow(next_offset_, padded, &next_offset_)) {
        return reader_.refuse(at, field, "too large for its size", "data within 64 bits");
    }
    data_bytes_ = offset + bytes;
    return true;
}

} // namespace vb::engine
