/* vector_boot: a GGUF language model behind a small C interface.
 *
 * Version 0: what is here works and is tested, and may still change; the soname changes with it.
 *
 * Status: functions that can fail return int32_t: 0, or a negative VB_ERROR_*; then vb_error_last() holds one
 * line for people, for the calling thread.
 *
 * Ownership: vb_X_open() gives a handle that vb_X_free() ends; freeing NULL does nothing. Strings passed in are
 * copied; strings handed to callbacks are valid during the call only.
 *
 * Options: start from VB_..._OPTIONS_INIT, so that struct_size is set; 0 means the default.
 *
 * Text: UTF-8. `const char*` arguments are NUL-terminated; callbacks get pointer and length.
 *
 * The library installs no signal handler, never exits, never writes to the standard streams, never changes the
 * working directory or the environment, and lets no C++ exception through.
 */
#ifndef VECTOR_BOOT_H
#define VECTOR_BOOT_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define VB_API __attribute__((visibility("default")))
#define VB_WARN_UNUSED __attribute__((warn_unused_result))
#else
#define VB_API
#define VB_WARN_UNUSED
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define VB_OK 0
#define VB_ERROR_ARGUMENT (-1)  /* a NULL or impossible argument */
#define VB_ERROR_MODEL (-2)     /* the file is missing, malformed, or not supported */
#define VB_ERROR_RESOURCES (-3) /* no memory, no CPU backend */
#define VB_ERROR_REQUEST (-4)   /* the messages are wrong, or longer than the context */
#define VB_ERROR_INTERNAL (-5)  /* the inference library failed */
#define VB_ERROR_CANCELLED (-6) /* the callback asked to stop */

/* "0.1.0". Static. Any thread. */
VB_API const char* vb_version(void);

/* The name of a status, such as "VB_ERROR_MODEL"; "unknown" for others. Static. Any thread. */
VB_API const char* vb_status_name(int32_t status);

/* Why the last call on this thread failed; "" if it did not. Valid until the thread's next vb_ call. */
VB_API const char* vb_error_last(void);

typedef struct vb_engine vb_engine;

typedef struct vb_engine_options {
    uint32_t struct_size;
    uint32_t context; /* tokens of prompt and answer together; 0: 2048 */
    uint32_t threads; /* 0: as many as the CPU affinity and the cgroup's quota allow */
} vb_engine_options;

#define VB_ENGINE_OPTIONS_INIT {sizeof(vb_engine_options), 0, 0}

/* Loads the GGUF file `path` and waits until it can answer. `options` may be NULL.
 * Any thread; on success *out is the handle, otherwise NULL. */
VB_API VB_WARN_UNUSED int32_t vb_engine_open(const char* path, const vb_engine_options* options,
                                             vb_engine** out);

/* Ends the engine; calls in progress on other threads must have returned. */
VB_API void vb_engine_free(vb_engine* engine);

/* A piece of the answer: whole UTF-8 characters, not NUL-terminated. Called on a thread of the engine, never
 * on two at once for one request. A result other than 0 ends the answer. It must not call vb_ functions. */
typedef int32_t (*vb_text_callback)(const char* text, size_t length, void* user_data);

typedef struct vb_chat_options {
    uint32_t struct_size;
    uint32_t max_tokens; /* 0: as many as the context holds */
    float temperature;   /* 0: greedy, which is the default */
    uint32_t seed;       /* 0: a new one each time */
} vb_chat_options;

#define VB_CHAT_OPTIONS_INIT {sizeof(vb_chat_options), 0, 0.0F, 0}

/* Answers a conversation by the model's own chat template. `messages` is a JSON array as in OpenAI's API:
 * [{"role":"user","content":"Why is the sky blue?"}]. Blocks until the answer has ended. Any thread; requests
 * are answered in the order they come. `options` may be NULL. */
VB_API VB_WARN_UNUSED int32_t vb_engine_chat(vb_engine* engine, const char* messages,
                                             const vb_chat_options* options, vb_text_callback text,
                                             void* user_data);

#ifdef __cplusplus
}
#endif

#endif
