/** @file
 * The machine under a program: vector_boot.h where vector_boot booted it, and the program runs in the runtime's process
 * (`[handoff] mode = "python"`). Elsewhere, on a laptop say, the same calls do nothing and succeed, so that one program
 * runs in both places; vb_machine_is_booted() tells which it is.
 *
 * Every function may be called on any thread. */
#ifndef VECTOR_BOOT_MACHINE_H
#define VECTOR_BOOT_MACHINE_H

#include "vector_boot.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @defgroup machine The machine
 * @{ */

/** 1 where this process is a machine's runtime, whose engine vb_model_open() gives without a path; else 0. */
VB_API int32_t vb_machine_is_booted(void);

/** Says that the program is up. Only where `[handoff] ready = "app"` waits for it; more than once does nothing. */
VB_API int32_t vb_machine_ready(void);

/** What `vbctl status` shows of the program. @param text  a line */
VB_API int32_t vb_machine_set_status(const char* text);

/** The program lives: unless this is called again within the time, it is killed and started anew.
 * @param milliseconds  how long; 0: no call comes any more */
VB_API int32_t vb_machine_watchdog(uint32_t milliseconds);

/** How the boot went, as GET /timeline has it: JSON in the format of Chrome's traces, in which times are microseconds; an
 * empty list of events where nothing booted. @param out  the text */
VB_API int32_t vb_machine_timeline(vb_buffer** out) VB_WARN_UNUSED;

/** Serves the HTTP API of vector_boot-runtime(8) on the sockets that PID 1 bound, beside the program; a second time does
 * nothing. VB_ERROR_RESOURCES where a socket cannot be used, VB_ERROR_ARGUMENT where nothing booted. */
VB_API int32_t vb_machine_serve(void) VB_WARN_UNUSED;

/** @} */

#ifdef __cplusplus
}
#endif

#endif
