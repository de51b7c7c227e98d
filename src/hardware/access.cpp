#include "hardware/access.h"

#include <atomic>
#include <mutex>
#include <new>
#include <ucontext.h>
#include <unistd.h>

// Leaf functions without a frame: from any instruction in them a return goes to the caller. The fault is in the
// register of the first half of what they return, the value in the second.
#if defined(__x86_64__)
#define VB_ACCESS(name, instruction)                                                                         \
    ".globl " #name "\n.hidden " #name "\n.type " #name ", @function\n.balign 16\n" #name                    \
    ":\n.cfi_startproc\n"                                                                                    \
    "xorl %eax, %eax\n" instruction "\nret\n.cfi_endproc\n.size " #name ", . - " #name "\n"
#define VB_LOAD8 "movzbl (%rdi), %edx"
#define VB_LOAD16 "movzwl (%rdi), %edx"
#define VB_LOAD32 "movl (%rdi), %edx"
#define VB_LOAD64 "movq (%rdi), %rdx"
#define VB_STORE8 "movb %sil, (%rdi)"
#define VB_STORE16 "movw %si, (%rdi)"
#define VB_STORE32 "movl %esi, (%rdi)"
#define VB_STORE64 "movq %rsi, (%rdi)"
#elif defined(__aarch64__)
#define VB_ACCESS(name, instruction)                                                                         \
    ".globl " #name "\n.hidden " #name "\n.type " #name ", %function\n.balign 16\n" #name                    \
    ":\n.cfi_startproc\n"                                                                                    \
    "mov x2, x0\nmov x0, #0\n" instruction "\nret\n.cfi_endproc\n.size " #name ", . - " #name "\n"
#define VB_LOAD8 "ldrb w1, [x2]"
#define VB_LOAD16 "ldrh w1, [x2]"
#define VB_LOAD32 "ldr w1, [x2]"
#define VB_LOAD64 "ldr x1, [x2]"
#define VB_STORE8 "strb w1, [x2]"
#define VB_STORE16 "strh w1, [x2]"
#define VB_STORE32 "str w1, [x2]"
#define VB_STORE64 "str x1, [x2]"
#endif

// clang-format off
asm(".pushsection .text.vb_hardware_access, \"ax\", %progbits\n"
    ".hidden vb_hardware_accesses\n.globl vb_hardware_accesses\nvb_hardware_accesses:\n"
    VB_ACCESS(vb_hardware_load8, VB_LOAD8)
    VB_ACCESS(vb_hardware_load16, VB_LOAD16)
    VB_ACCESS(vb_hardware_load32, VB_LOAD32)
    VB_ACCESS(vb_hardware_load64, VB_LOAD64)
    VB_ACCESS(vb_hardware_store8, VB_STORE8)
    VB_ACCESS(vb_hardware_store16, VB_STORE16)
    VB_ACCESS(vb_hardware_store32, VB_STORE32)
    VB_ACCESS(vb_hardware_store64, VB_STORE64)
    ".hidden vb_hardware_accesses_return\n.globl vb_hardware_accesses_return\nvb_hardware_accesses_return:\n"
    "ret\n"
    ".popsection\n");
// clang-format on

extern "C" {
[[gnu::visibility("hidden")]] extern const char vb_hardware_accesses[];
[[gnu::visibility("hidden")]] extern const char vb_hardware_accesses_return[]; // and the end of them
}

namespace vb::hardware {

namespace {

// What was there before, the latest first. A handler may be running while another thread puts us over a newer one, so
// none is ever changed or freed.
struct Previous {
    struct sigaction action;
    const Previous* older;
};

struct Guarded {
    int signal;
    std::atomic<const Previous*> previous{};
    std::atomic<pid_t> passing_on{}; // the thread in whose name the handler before us is running
};
constinit Guarded guarded[] = {{.signal = SIGBUS}, {.signal = SIGSEGV}};

// Lets the access return with `signal` as its fault, if it was one of ours.
bool end_access(int signal, void* context) noexcept {
    auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext;
    const auto begin = reinterpret_cast<std::uintptr_t>(vb_hardware_accesses);
    const auto end = reinterpret_cast<std::uintptr_t>(vb_hardware_accesses_return);
#if defined(__x86_64__)
    const auto at = static_cast<std::uintptr_t>(registers.gregs[REG_RIP]);
    if (at < begin || at >= end) { return false; }
    registers.gregs[REG_RAX] = signal;
    registers.gregs[REG_RIP] = static_cast<greg_t>(end);
#elif defined(__aarch64__)
    const auto at = static_cast<std::uintptr_t>(registers.pc);
    if (at < begin || at >= end) { return false; }
    registers.regs[0] = static_cast<std::uint64_t>(signal);
    registers.pc = end;
#endif
    return true;
}

// As if there had never been a handler. A fault happens again as soon as the handler returns, a signal that somebody
// sent is sent again.
void take_default(int signal, bool is_sent) noexcept {
    struct sigaction standard{};
    standard.sa_handler = SIG_DFL;
    ::sigaction(signal, &standard, nullptr);
    if (is_sent) { ::raise(signal); }
}

void pass_on(Guarded& guard, siginfo_t* information, void* context) noexcept {
    const bool is_sent = information->si_code <= 0;
    const Previous* const previous = guard.previous.load();
    const pid_t thread = ::gettid();
    // A handler that has put us back and raises the signal again would get it from us for ever.
    const bool has_come_back = is_sent && guard.passing_on.load() == thread;
    if (previous == nullptr || previous->action.sa_handler == SIG_DFL || has_come_back) {
        take_default(guard.signal, is_sent);
        return;
    }
    if (previous->action.sa_handler == SIG_IGN) {
        if (!is_sent) { take_default(guard.signal, is_sent); } // a fault cannot be ignored
        return;
    }
    guard.passing_on.store(thread);
    if ((previous->action.sa_flags & SA_SIGINFO) != 0) {
        previous->action.sa_sigaction(guard.signal, information, context);
    } else {
        previous->action.sa_handler(guard.signal);
    }
    guard.passing_on.store(0);
}

extern "C" void on_access_fault(int signal, siginfo_t* information, void* context) {
    if (information->si_code > 0 && end_access(signal, context)) { return; }
    pass_on(signal == guarded[0].signal ? guarded[0] : guarded[1], information, context);
}

void install(Guarded& guard) noexcept {
    struct sigaction current{};
    if (::sigaction(guard.signal, nullptr, &current) != 0) { return; }
    if ((current.sa_flags & SA_SIGINFO) != 0 && current.sa_sigaction == on_access_fault) { return; }
    const auto* const previous = new (std::nothrow) Previous{current, guard.previous.load()};
    if (previous == nullptr) { return; }
    guard.previous.store(previous);
    // What the one before wanted blocked is blocked when we call it; its stack, if it has one, is ours as well.
    struct sigaction action = current;
    action.sa_sigaction = on_access_fault;
    action.sa_flags = (current.sa_flags & (SA_NODEFER | SA_RESTART)) | SA_SIGINFO | SA_ONSTACK;
    ::sigaction(guard.signal, &action, nullptr);
}

} // namespace

void guard_accesses() noexcept {
    static constinit std::mutex mutex;
    const std::scoped_lock lock(mutex);
    for (Guarded& guard : guarded) {
        install(guard);
    }
}

} // namespace vb::hardware
