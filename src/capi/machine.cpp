// vb_machine_*: the host's, or nothing.
#include "capi/buffer.h"
#include "capi/handles.h"
#include "capi/host.h"

#include "vector_boot_machine.h"

#include <atomic>
#include <chrono>
#include <string>

namespace vb::capi {
namespace {

std::atomic<Host*> only_host = nullptr; // a process is a machine's runtime, or it is not

} // namespace

Host* host() noexcept { return only_host.load(std::memory_order_acquire); }
void set_host(Host* host) noexcept { only_host.store(host, std::memory_order_release); }

} // namespace vb::capi

using namespace vb;
using namespace vb::capi;

extern "C" {

int32_t vb_machine_is_booted(void) { return succeed(host() != nullptr ? 1 : 0); }

int32_t vb_machine_ready(void) try {
    if (Host* const machine = host()) { machine->ready(); }
    return succeed();
} catch (...) { return caught(__func__); }

int32_t vb_machine_set_status(const char* text) try {
    if (text == nullptr) { return fail(VB_ERROR_ARGUMENT, "vb_machine_set_status: text is NULL"); }
    if (Host* const machine = host()) { machine->set_status(text); }
    return succeed();
} catch (...) { return caught(__func__); }

int32_t vb_machine_watchdog(uint32_t milliseconds) try {
    if (Host* const machine = host()) { machine->alive(std::chrono::milliseconds(milliseconds)); }
    return succeed();
} catch (...) { return caught(__func__); }

int32_t vb_machine_timeline(vb_buffer** out) try {
    if (const int32_t wrong = clear(__func__, out)) { return wrong; }
    Host* const machine = host();
    *out = make_buffer(machine != nullptr ? machine->timeline() : std::string(R"({"traceEvents":[]})"));
    return succeed();
} catch (...) { return caught(__func__); }

int32_t vb_machine_serve(void) try {
    Host* const machine = host();
    if (machine == nullptr) {
        return fail(VB_ERROR_ARGUMENT, "vb_machine_serve: nothing booted in this process; "
                                       "vector_boot-runtime --model FILE serves a model by itself");
    }
    if (const auto serving = machine->serve(); !serving) {
        return fail(VB_ERROR_RESOURCES, base::describe(serving.error()));
    }
    return succeed();
} catch (...) { return caught(__func__); }

} // extern "C"
