// The least network that a machine needs to be reached: the loopback, and a static address from the kernel
// command line's ip= where the kernel did not set it itself.
#pragma once

#include "base/log.h"
#include "sys/kernel.h"

namespace vb::init {

// "CLIENT:SERVER:GATEWAY:NETMASK:HOST:DEVICE:AUTOCONF" of Documentation/admin-guide/nfs/nfsroot.rst, static
// addresses only. The netmask defaults to /24, the device to eth0.
base::Result<sys::Ipv4Interface> parse_ip_word(std::string_view word) noexcept;

void start_network(sys::Kernel& kernel, const base::Log& log, std::string_view ip_word) noexcept;

} // namespace vb::init
