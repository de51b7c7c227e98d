// Loading one file as a module of the kernel. It finds nothing, and knows of no dependencies.
#pragma once

#include "base/error.h"

namespace vb::sys {

// The file may be compressed where the kernel can decompress it. EEXIST: it was there already.
base::Result<> insert_module(const char* path, const char* parameters) noexcept;

} // namespace vb::sys
