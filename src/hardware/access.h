// One load or store of a register, in one instruction of exactly that width, which the device may not survive: where
// the memory behind the address is gone (a file that was cut off, a device that was unplugged), it says so instead of
// ending the process.
// The signal handler knows the eight functions by their addresses and lets them return, so that an access costs a call
// and no more, on any thread and without thread-local data. A SIGBUS or SIGSEGV of anybody else goes to the handler
// that was there before.
#pragma once

#include <concepts>
#include <csignal>
#include <cstdint>

namespace vb::hardware {

template <class Value>
concept Word = std::same_as<Value, std::uint8_t> || std::same_as<Value, std::uint16_t> ||
               std::same_as<Value, std::uint32_t> || std::same_as<Value, std::uint64_t>;

struct Loaded {
    std::uint64_t fault; // 0, or the signal that came instead of a value
    std::uint64_t value;
};

// In access.cpp, in the machine's language: their registers are what the handler changes.
extern "C" {
[[gnu::visibility("hidden")]] Loaded vb_hardware_load8(const volatile void* address) noexcept;
[[gnu::visibility("hidden")]] Loaded vb_hardware_load16(const volatile void* address) noexcept;
[[gnu::visibility("hidden")]] Loaded vb_hardware_load32(const volatile void* address) noexcept;
[[gnu::visibility("hidden")]] Loaded vb_hardware_load64(const volatile void* address) noexcept;
// They return the fault.
[[gnu::visibility("hidden")]] std::uint64_t vb_hardware_store8(volatile void* address,
                                                               std::uint64_t value) noexcept;
[[gnu::visibility("hidden")]] std::uint64_t vb_hardware_store16(volatile void* address,
                                                                std::uint64_t value) noexcept;
[[gnu::visibility("hidden")]] std::uint64_t vb_hardware_store32(volatile void* address,
                                                                std::uint64_t value) noexcept;
[[gnu::visibility("hidden")]] std::uint64_t vb_hardware_store64(volatile void* address,
                                                                std::uint64_t value) noexcept;
}

template <Word Value>
Loaded load(const volatile void* address) noexcept {
    if constexpr (sizeof(Value) == 1) { return vb_hardware_load8(address); }
    if constexpr (sizeof(Value) == 2) { return vb_hardware_load16(address); }
    if constexpr (sizeof(Value) == 4) { return vb_hardware_load32(address); }
    if constexpr (sizeof(Value) == 8) { return vb_hardware_load64(address); }
}

template <Word Value>
std::uint64_t store(volatile void* address, Value value) noexcept {
    if constexpr (sizeof(Value) == 1) { return vb_hardware_store8(address, value); }
    if constexpr (sizeof(Value) == 2) { return vb_hardware_store16(address, value); }
    if constexpr (sizeof(Value) == 4) { return vb_hardware_store32(address, value); }
    if constexpr (sizeof(Value) == 8) { return vb_hardware_store64(address, value); }
}

// Before the first access, and again whenever somebody may have put a handler in the place of ours: the latest one is
// asked first. A thread that blocks SIGBUS or SIGSEGV has no guard: the kernel ends the process then.
void guard_accesses() noexcept;

// Accesses to memory that a device sees, before and after in the order of the program: also where the mapping is
// write-combining, for which the barriers between threads of std::atomic do not suffice.
#if defined(__x86_64__)
inline void read_barrier() noexcept { asm volatile("lfence" ::: "memory"); }
inline void write_barrier() noexcept { asm volatile("sfence" ::: "memory"); }
inline void full_barrier() noexcept { asm volatile("mfence" ::: "memory"); }
#elif defined(__aarch64__)
inline void read_barrier() noexcept { asm volatile("dsb ld" ::: "memory"); }
inline void write_barrier() noexcept { asm volatile("dsb st" ::: "memory"); }
inline void full_barrier() noexcept { asm volatile("dsb sy" ::: "memory"); }
#else
#error "hardware/access.h: this processor's barriers are missing, and its accesses in access.cpp"
#endif

} // namespace vb::hardware
