// The tiny model, opened through the C++ header; what the tests of this folder begin with.
#pragma once

#include "vector_boot.hpp"

#include <gtest/gtest.h>

#include <string>

namespace vector_boot::testing {

inline constexpr char question[] = R"([{"role":"user","content":"Hello"}])";

inline Model open_tiny(ModelOptions options = {}) {
    Result<Model> model = Model::open(VB_TINY_MODEL, std::move(options));
    EXPECT_TRUE(model.has_value()) << model.error().message;
    return std::move(*model);
}

// The answer, or "VB_ERROR_...".
inline std::string read(Result<Request> request) {
    if (!request) { return vb_status_name(request.error().status); }
    const Result<std::string> text = request->text();
    return text ? *text : vb_status_name(text.error().status);
}

inline std::string ask(Model& model, std::uint32_t max_tokens = 8) {
    return read(model.chat(question, {.max_tokens = max_tokens}));
}

class TinyModel : public ::testing::Test {
  protected:
    Model model = open_tiny();
};

} // namespace vector_boot::testing
