// The kernel command line (/proc/cmdline): our words vb.*, and ip=, which kernels without IP_PNP leave to us.
#pragma once

#include "base/error.h"
#include "config/config.h"

#include <string_view>

namespace vb::config {

struct KernelWords {
    std::string_view config;  // vb.config=PATH
    std::string_view model;   // vb.model=PATH
    std::string_view handoff; // vb.handoff=MODE
    std::string_view log;     // vb.log=LEVEL
    std::string_view stop_at; // vb.break=STAGE
    std::string_view ip;      // ip=CLIENT:SERVER:GATEWAY:NETMASK:HOST:DEVICE:AUTOCONF
    base::Text<255> unknown;  // vb.* words that mean nothing here
};

// Views into `text`. Quotes work as in the kernel: vb.model="/with space.gguf". A later word wins.
KernelWords parse_kernel_words(std::string_view text) noexcept;

// Sets what the words say, all but `config` and `ip`.
base::Result<> apply(const KernelWords& words, Config& config);

} // namespace vb::config
