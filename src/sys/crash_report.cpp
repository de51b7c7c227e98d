#include "sys/crash_report.h"

#include <cstdint>
#include <cstring>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

// The linker's names for where our code is.
extern "C" const char __executable_start; // NOLINT
extern "C" const char etext;              // NOLINT

namespace vb::sys {

namespace {

struct Registers {
    std::uintptr_t instruction = 0;
    std::uintptr_t stack = 0;
};

Registers registers_of(const void* context) noexcept {
    ucontext_t state{};
    std::memcpy(&state, context, sizeof state);
#if defined(__x86_64__)
    return {.instruction = static_cast<std::uintptr_t>(state.uc_mcontext.gregs[REG_RIP]),
            .stack = static_cast<std::uintptr_t>(state.uc_mcontext.gregs[REG_RSP])};
#elif defined(__aarch64__)
    return {.instruction = state.uc_mcontext.pc, .stack = state.uc_mcontext.sp};
#elif defined(__riscv)
    return {.instruction = state.uc_mcontext.__gregs[REG_PC], .stack = state.uc_mcontext.__gregs[REG_SP]};
#else
    return {};
#endif
}

void append_address(CrashText& text, std::uintptr_t address) noexcept {
    text << "0x";
    text.append(address, 16);
}

const char* words_for(int signal, int code) noexcept {
    switch (signal) {
    case SIGSEGV:
        return code == SEGV_MAPERR ? "not mapped" : "not permitted";
    case SIGBUS:
        return code == BUS_ADRALN ? "misaligned" : "without memory behind it";
    case SIGFPE:
        return code == FPE_INTDIV ? "division by zero" : "arithmetic";
    case SIGILL:
        return "illegal instruction";
    case SIGSYS:
        return "system call that is not permitted";
    default:
        return nullptr;
    }
}

} // namespace

void describe_fault(CrashText& text, int signal, const siginfo_t& information, const void* context) noexcept {
    const char* const name = sigabbrev_np(signal);
    text << "SIG" << (name != nullptr ? name : "?");
    const char* const words = words_for(signal, information.si_code);
    if (words != nullptr && information.si_code > 0) {
        const bool has_address = signal == SIGSEGV || signal == SIGBUS;
        text << " (";
        if (has_address) {
            text << "address ";
            append_address(text, reinterpret_cast<std::uintptr_t>(information.si_addr));
            text << " is ";
        }
        text << words << ")";
    }
    text << " at instruction ";
    append_address(text, registers_of(context).instruction);
    text << ", code " << information.si_code;
}

void describe_stack(CrashText& text, const void* context) noexcept {
    constexpr int most_found = 12;
    constexpr std::size_t most_words = 8192; // beyond what is missing where the stack has overflowed
    const auto first = reinterpret_cast<std::uintptr_t>(&__executable_start);
    const auto last = reinterpret_cast<std::uintptr_t>(&etext);
    text << "code begins at ";
    append_address(text, first);
    text << ", stack:";
    // Aligned, so that a part is within one page: near its limit, the stack is readable only in part.
    constexpr std::uintptr_t part = 64 * sizeof(std::uintptr_t);
    std::uintptr_t address = registers_of(context).stack / part * part;
    int found = 0;
    for (std::size_t count = 0; count < most_words && found < most_found; count += 64, address += part) {
        std::uintptr_t words[64];
        const iovec here{.iov_base = words, .iov_len = sizeof words};
        const iovec there{.iov_base = reinterpret_cast<void*>(address), .iov_len = sizeof words}; // NOLINT
        if (::process_vm_readv(::getpid(), &here, 1, &there, 1, 0) != static_cast<ssize_t>(sizeof words)) {
            continue;
        }
        for (std::size_t index = 0; index < 64 && found < most_found; ++index) {
            if (words[index] < first || words[index] >= last) { continue; }
            text << " ";
            append_address(text, words[index]);
            ++found;
        }
    }
}

} // namespace vb::sys
