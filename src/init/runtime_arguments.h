// The command line of vector_boot-runtime: the configuration in its options. What is as the runtime has it by itself
// is not said.
#pragma once

#include "config/config.h"

namespace vb::init {

std::vector<std::string> runtime_arguments(std::string_view program, const config::Config& config) noexcept;

} // namespace vb::init
