// The tensor descriptions of a GGUF header: names, shapes, types, and that their data lies in the file one
// after the other, without gap or overlap. libllama loads tensors of types that it cannot compute with, and ends the
// process when it comes to them; those are refused here.
#pragma once

#include "engine/distinct_texts.h"
#include "engine/gguf_reader.h"

#include <cstdint>

namespace vb::engine {

class GgufTensors {
  public:
    // `alignment` is a power of two.
    GgufTensors(GgufReader& reader, std::uint64_t count, std::uint64_t alignment)
        : reader_(reader), count_(count), alignment_(alignment), names_(count) {}

    // Reads and checks them all, and that the data ends within the file. False: the reader has the refusal.
    bool check(std::uint64_t file_size);

    std::uint64_t data_begin() const { return data_begin_; } // from the file's beginning
    std::uint64_t data_bytes() const { return data_bytes_; } // to the end of the last tensor

  private:
    struct Tensor {
        std::string_view name;
        std::uint64_t elements = 1;
        std::uint64_t row = 1; // elements
        std::uint64_t bytes = 0;
    };

    bool check_one(std::uint64_t index);
    bool check_name(std::uint64_t index, const std::string& field, Tensor& tensor);
    bool read_dimensions(const std::string& field, Tensor& tensor);
    bool read_type(const std::string& field, Tensor& tensor);
    bool check_offset(const std::string& field, std::uint64_t bytes);

    GgufReader& reader_;
    std::uint64_t count_;
    std::uint64_t alignment_;
    DistinctTexts names_;
    std::uint64_t next_offset_ = 0;
    std::uint64_t data_begin_ = 0;
    std::uint64_t data_bytes_ = 0;
};

} // namespace vb::engine
