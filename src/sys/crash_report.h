// The words of a crash: what the kernel says of a fault, without allocation. Async-signal-safe.
#pragma once

#include "base/text.h"

#include <csignal>

namespace vb::sys {

using CrashText = base::Text<2047>;

// "SIGSEGV (address 0x10 is not mapped) at instruction 0x401234, code 1"
void describe_fault(CrashText& text, int signal, const siginfo_t& information, const void* context) noexcept;

// "stack: 0x401234 0x405678 ...": the words of the stack that point into our code, most of which are return
// addresses. Needs neither frame pointers nor an unwinder, and cannot fault: the stack is read by system call.
void describe_stack(CrashText& text, const void* context) noexcept;

} // namespace vb::sys
