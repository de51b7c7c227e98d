/** @file
 * vector_boot: GGUF language models behind a small C interface. Version 0: what is here works and is tested, and may
 * still change; the soname changes with it.
 *
 * - vb_model: the weights, and one engine that computes for everybody. Requests run side by side.
 * - vb_session: a conversation that keeps its messages and can be saved.
 * - vb_request: one answer under way: wait for its pieces, or be told of them by a descriptor.
 * - vb_buffer: bytes that a function made for the caller.
 *
 * Status: functions that can fail return int32_t: 0 or more is success, less is a VB_ERROR_*; then vb_error_last()
 * holds one line for people, for the calling thread. The numbers never change (docs/errors.md).
 *
 * Ownership: what a function stores in its last argument belongs to the caller, who ends it with the vb_X_free() of
 * its type; on failure NULL is stored. Freeing NULL does nothing. What is passed in is copied. Handles may be freed in
 * any order: what still needs another object keeps it alive inside, and a request whose model or session was freed
 * ends as cancelled.
 *
 * Threads: every function may be called on any thread, for the same handle too, except that a vb_request is read by one
 * thread at a time and nothing may be used while or after it is freed. Callbacks run on the thread that calls the
 * function which takes or dispatches them, unless said otherwise there (docs/threading.md).
 *
 * fork(): the engine's threads do not exist in the child. There every call on a handle of the parent fails with
 * VB_ERROR_FORKED, except vb_model_name(), and the vb_X_free() of models, requests and sessions, which do nothing: the
 * child's copy of the memory is left alone until the child ends or executes another program.
 *
 * Options: start from VB_..._OPTIONS_INIT, so that struct_size is set; unless said otherwise 0 means the default. NULL
 * is all defaults. Text is UTF-8; `const char*` without a length is NUL-terminated.
 *
 * The library installs no signal handler (but for devices), never exits, never writes to the standard streams, never
 * changes the working directory or the environment, and lets no C++ exception through. libgomp, which computes for it,
 * lets idle threads spin; GOMP_SPINCOUNT=20000 in the environment before the process starts limits that. */
#ifndef VECTOR_BOOT_H
#define VECTOR_BOOT_H
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define VB_API __attribute__((visibility("default")))
#define VB_WARN_UNUSED __attribute__((warn_unused_result))
#else
#define VB_API         /**< a function of the library */
#define VB_WARN_UNUSED /**< its result is to be looked at */
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** @defgroup status Status
 * @{ */

#define VB_OK 0    /**< done */
#define VB_END 1   /**< vb_request_next(): the answer is complete */
#define VB_AGAIN 2 /**< vb_request_next(), vb_request_get_result(), and what takes of a device: nothing yet */

#define VB_ERROR_ARGUMENT (-1)  /**< a NULL or impossible argument */
#define VB_ERROR_MODEL (-2)     /**< the model's file is missing, malformed, or not supported */
#define VB_ERROR_RESOURCES (-3) /**< no memory, no thread, no CPU backend */
#define VB_ERROR_REQUEST (-4)   /**< the messages, the grammar or another part of the request is wrong */
#define VB_ERROR_INTERNAL (-5)  /**< the inference library failed */
#define VB_ERROR_CANCELLED (-6) /**< somebody asked to stop, or a handle that it needs was freed */
#define VB_ERROR_DEADLINE (-7)  /**< the request's time was over */
#define VB_ERROR_CONTEXT (-8)   /**< the prompt is longer than the context */
#define VB_ERROR_FILE (-9)    /**< a saved session is missing, damaged, or of another model, library or CPU */
#define VB_ERROR_FORKED (-10) /**< the handle belongs to the parent process */
#define VB_ERROR_DEVICE (-11) /**< a device is missing, refuses an access, or is gone */

/** The version of the library that runs, such as "0.1.0". Static. */
VB_API const char* vb_version(void);

/** The name of a status, such as "VB_ERROR_MODEL"; "unknown" for others. Static. @param status  a result */
VB_API const char* vb_status_name(int32_t status);

/** Why the last call on this thread failed; "" if it did not. Valid until the thread's next call that can fail. What is
 * wrong with an argument begins with the function and names the argument or the field, what was found and expected:
 * "vb_model_chat: options.top_p is 1.500000, expected 0 to 1". */
VB_API const char* vb_error_last(void);

/** @}
 * @defgroup buffers Buffers
 * @{ */

typedef struct vb_buffer vb_buffer; /**< Bytes that a function made for the caller, who frees them. */

/** The bytes, aligned for any type, valid until vb_buffer_free(). Never NULL; texts have a NUL after their end, which
 * does not count.
 * @param buffer  not freed; NULL has no bytes */
VB_API const void* vb_buffer_data(const vb_buffer* buffer);
/** How many bytes there are. @param buffer  not freed; NULL has none */
VB_API size_t vb_buffer_size(const vb_buffer* buffer);
/** Frees the bytes. @param buffer  not used after this; NULL: nothing */
VB_API void vb_buffer_free(vb_buffer* buffer);

/** @}
 * @defgroup models Models
 * @{ */

typedef struct vb_model vb_model; /**< The weights, and one engine that computes for everybody. */

#define VB_LOG_ERROR 3   /**< as in syslog(3), as those that follow */
#define VB_LOG_WARNING 4 /**< what may be the reason of something odd */
#define VB_LOG_NOTICE 5  /**< normal, and worth knowing */
#define VB_LOG_INFO 6    /**< what it does */
#define VB_LOG_DEBUG 7   /**< what the inference library says */

/** One line of what the engine has to say. Called on any thread, the engine's own among them, one call at a time for one
 * model; it must return soon and must not call vb_ functions.
 * @param level  VB_LOG_*  @param text, length  the line, without a newline; valid during the call
 * @param user_data  vb_model_options.log_data */
typedef void (*vb_log_callback)(int32_t level, const char* text, size_t length, void* user_data);

/** How far loading is. Called on the thread of vb_model_open(), at least ten times a second until the model is up; a
 * result other than 0 gives up loading, and vb_model_open() fails with VB_ERROR_CANCELLED.
 * @param loaded  from 0 to 1  @param user_data  vb_model_options.progress_data */
typedef int32_t (*vb_progress_callback)(float loaded, void* user_data);

/** How a model is opened. */
typedef struct vb_model_options {
    uint32_t struct_size; /**< set by VB_MODEL_OPTIONS_INIT */
    uint32_t context;  /**< tokens of a prompt and its answer; 0: 2048, or less if it was trained for less */
    uint32_t threads;  /**< 0: as many as the CPU affinity and the cgroup's quota allow; at most 512 */
    uint32_t parallel; /**< requests computed at once; more wait in their order; 0: 8, at most 64 */
    uint32_t
        kept; /**< tokens of past requests that stay computed, for those that begin alike; 0: `context` */
    uint32_t reserved;             /**< 0 */
    const char* cache;             /**< directory for what saves time at the next start; NULL: none */
    vb_progress_callback progress; /**< NULL: none */
    void* progress_data;           /**< handed to `progress` */
    vb_log_callback log;           /**< NULL: none */
    void* log_data;                /**< handed to `log` */
    int32_t log_level;             /**< the least important that is wanted; 0: VB_LOG_WARNING */
    uint32_t reserved_too;         /**< 0 */
} vb_model_options;

/** A vb_model_options of defaults. */
#define VB_MODEL_OPTIONS_INIT {sizeof(vb_model_options), 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, 0, 0}

/** Loads a model and waits until it can answer. A file that is malformed is refused with offset and field, one that will
 * not fit into memory with the numbers.
 * @param path  the GGUF file
 * @param options  NULL: the defaults  @param out  the model, for vb_model_free() */
VB_API VB_WARN_UNUSED int32_t vb_model_open(const char* path, const vb_model_options* options,
                                            vb_model** out);

/** Cancels what is under way and ends the engine's threads. @param model  not used after this; NULL: nothing */
VB_API void vb_model_free(vb_model* model);

/** What is known of a model. */
typedef struct vb_model_info {
    uint32_t struct_size;     /**< set by the caller, as in VB_MODEL_INFO_INIT */
    uint32_t context;         /**< tokens of a prompt and its answer */
    uint32_t trained_context; /**< tokens that the model was trained for; 0: its file does not say */
    uint32_t vocabulary;      /**< how many tokens there are */
    uint32_t embedding;       /**< floats of one embedding */
    uint32_t threads;         /**< that compute */
    uint64_t parameters;      /**< of the model */
    uint64_t weights;         /**< bytes */
} vb_model_info;

#define VB_MODEL_INFO_INIT {sizeof(vb_model_info), 0, 0, 0, 0, 0, 0, 0} /**< to be filled */

/** What is known of the model.
 * @param model  an open model  @param info  filled as far as its struct_size goes */
VB_API VB_WARN_UNUSED int32_t vb_model_get_info(const vb_model* model, vb_model_info* info);

/** The file's name without directory and ".gguf". Valid as long as the model. @param model  an open model */
VB_API const char* vb_model_name(const vb_model* model);

/** The tokens of a text.
 * @param model  an open model  @param text, length  the text, which may contain NULs
 * @param special  not 0: names of control tokens in the text, such as "<|im_end|>", count as those, and what the model
 *   wants at the beginning is added
 * @param out  the tokens, int32_t each */
VB_API VB_WARN_UNUSED int32_t vb_model_tokenize(const vb_model* model, const char* text, size_t length,
                                                int32_t special, vb_buffer** out);

/** The text of tokens.
 * @param model  an open model  @param tokens, count  the tokens
 * @param special  not 0: with the names of control tokens
 * @param out  the text, which need not be whole characters */
VB_API VB_WARN_UNUSED int32_t vb_model_detokenize(const vb_model* model, const int32_t* tokens, size_t count,
                                                  int32_t special, vb_buffer** out);

/** What the model's chat template makes of messages, for the model to go on.
 * @param model  an open model  @param messages  a JSON array as for vb_model_chat()
 * @param out  the text */
VB_API VB_WARN_UNUSED int32_t vb_model_render(const vb_model* model, const char* messages, vb_buffer** out);

/** The embeddings of texts. Blocks; other requests go on meanwhile.
 * @param model  an open model  @param texts, count  NUL-terminated, each as long as the context at most
 * @param out  `count` embeddings, one after the other, vb_model_info.embedding floats each, of length 1 */
VB_API VB_WARN_UNUSED int32_t vb_model_embed(vb_model* model, const char* const* texts, size_t count,
                                             vb_buffer** out);

/** @}
 * @defgroup requests Requests
 * @{ */

typedef struct vb_request vb_request; /**< One answer under way. */
typedef struct vb_session vb_session; /**< A conversation that keeps its messages. */

/** What is added to the logit of a token. */
typedef struct vb_logit_bias {
    int32_t token; /**< its number */
    float bias;    /**< -INFINITY: never */
} vb_logit_bias;

/** The request has news. Called in vb_model_dispatch() only; it may call any function.
 * @param request  the one that has news; it may be freed here  @param user_data  vb_request_options.news_data */
typedef void (*vb_news_callback)(vb_request* request, void* user_data);

/** How an answer is to be. */
typedef struct vb_request_options {
    uint32_t struct_size;    /**< set by VB_REQUEST_OPTIONS_INIT */
    uint32_t max_tokens;     /**< 0: as many as the context holds */
    float temperature;       /**< 0: greedy, which is the default */
    uint32_t top_k;          /**< of the likeliest; 0: all */
    float top_p;             /**< 0 and 1: all */
    float min_p;             /**< as part of the likeliest one's probability; 0: all */
    float repeat_penalty;    /**< divides the logits of the last `penalty_tokens`; 0 and 1: none */
    float frequency_penalty; /**< for each time that a token was there; 0: none */
    float presence_penalty;  /**< for tokens that were there; 0: none */
    uint32_t penalty_tokens; /**< 0: 64 */
    uint32_t has_seed;       /**< 0: another seed each time */
    uint32_t seed;           /**< the same seed, the same choices */
    uint32_t slides;         /**< not 0: a full context loses its oldest half, except its first tokens */
    uint32_t logprobs;       /**< 0: none; N: vb_piece.tokens, each with N - 1 alternatives, at most 20 */
    uint64_t deadline_ms;    /**< from the call on; 0: none */
    const char* grammar;     /**< GBNF, whose rule `root` the answer obeys; NULL: none */
    const char* schema; /**< JSON schema that the answer obeys; NULL: none. Not together with `grammar` */
    const char* const* stop;         /**< strings that end the answer before them */
    size_t stop_count;               /**< how many */
    const vb_logit_bias* logit_bias; /**< what is added to logits */
    size_t logit_bias_count;         /**< how many */
    vb_news_callback news;           /**< NULL: vb_model_dispatch() says nothing of this request */
    void* news_data;                 /**< handed to `news` */
} vb_request_options;

/* clang-format off */
/** A vb_request_options of defaults. */
#define VB_REQUEST_OPTIONS_INIT \
    {sizeof(vb_request_options), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, 0, NULL, 0, NULL, NULL}
/* clang-format on */

/** Begins to answer a conversation by the model's own chat template and returns at once. What is wrong with the
 * messages, vb_request_next() says.
 * @param model  an open model
 * @param messages  a JSON array as in OpenAI's API: [{"role":"user","content":"Why is the sky blue?"}]
 * @param options  NULL: the defaults  @param out  the request, for vb_request_free() */
VB_API VB_WARN_UNUSED int32_t vb_model_chat(vb_model* model, const char* messages,
                                            const vb_request_options* options, vb_request** out);

/** Begins to go on with a text, as it is: without a chat template.
 * @param model  an open model  @param text, length  the prompt
 * @param options  NULL: the defaults  @param out  the request, for vb_request_free() */
VB_API VB_WARN_UNUSED int32_t vb_model_complete(vb_model* model, const char* text, size_t length,
                                                const vb_request_options* options, vb_request** out);

/** The same with tokens.
 * @param model  an open model  @param tokens, count  the prompt
 * @param options  NULL: the defaults  @param out  the request, for vb_request_free() */
VB_API VB_WARN_UNUSED int32_t vb_model_complete_tokens(vb_model* model, const int32_t* tokens, size_t count,
                                                       const vb_request_options* options, vb_request** out);

/** A token and how likely it was. */
typedef struct vb_token {
    int32_t id;       /**< its number */
    float logprob;    /**< natural logarithm of its probability before temperature and the like */
    const char* text; /**< its bytes, which need not be whole characters */
    size_t length;    /**< of `text` */
} vb_token;

/** A token of an answer, and what else it might have been. */
typedef struct vb_chosen_token {
    vb_token token;               /**< the one that was chosen */
    const vb_token* alternatives; /**< the likeliest ones, the likeliest first */
    size_t alternative_count;     /**< how many */
} vb_chosen_token;

/** What came of an answer since the last piece. */
typedef struct vb_piece {
    uint32_t struct_size;          /**< set by the caller, as in VB_PIECE_INIT */
    uint32_t reserved;             /**< 0 */
    const char* text;              /**< whole characters, with a NUL after the end */
    size_t length;                 /**< of `text` */
    const vb_chosen_token* tokens; /**< since the last piece; only with logprobs */
    size_t token_count;            /**< how many */
} vb_piece;

#define VB_PIECE_INIT {sizeof(vb_piece), 0, NULL, 0, NULL, 0} /**< to be filled */

/** Waits for what came since the last call.
 * @param request  read by this thread only  @param timeout_ms  how long; less than 0: for ever; 0: not at all
 * @param piece  what came, valid until the next vb_request_next() or vb_request_run(); the last tokens may have no text
 * @return VB_OK: it is in *piece. VB_END: the answer is complete, and was given whole. VB_AGAIN: nothing yet. An error:
 *   why there is no more; then it is the same each time */
VB_API VB_WARN_UNUSED int32_t vb_request_next(vb_request* request, int32_t timeout_ms, vb_piece* piece);

/** A piece of the answer, as in vb_request_next(). A result other than 0 cancels the request.
 * @param piece  what came, valid during the call  @param user_data  as given to vb_request_run() */
typedef int32_t (*vb_piece_callback)(const vb_piece* piece, void* user_data);

/** Hands every piece to a callback, on this thread, until the end.
 * @param request  read by this thread only  @param callback  NULL: nobody
 * @param user_data  handed to it
 * @return VB_OK at the end of the answer, or the error */
VB_API VB_WARN_UNUSED int32_t vb_request_run(vb_request* request, vb_piece_callback callback,
                                             void* user_data);

/** Asks it to end: within one token's time vb_request_next() says VB_ERROR_CANCELLED; what was unread is dropped. After
 * VB_END it changes nothing. Any thread, any time.
 * @param request  not freed */
VB_API void vb_request_cancel(vb_request* request);

#define VB_FINISH_NONE 0   /**< it goes on, or failed */
#define VB_FINISH_STOP 1   /**< the model ended the answer, or a stop string did */
#define VB_FINISH_LENGTH 2 /**< max_tokens, or the context is full */

/** How an answer ended, and what it took. */
typedef struct vb_result {
    uint32_t struct_size;       /**< set by the caller, as in VB_RESULT_INIT */
    int32_t finish;             /**< VB_FINISH_* */
    uint32_t prompt_tokens;     /**< of the prompt */
    uint32_t cached_tokens;     /**< of those: what did not have to be computed */
    uint32_t completion_tokens; /**< the one that ended the answer included */
    uint32_t reserved;          /**< 0 */
    uint64_t first_token_ns; /**< from the call to the first text (with logprobs: token); 0: there was none */
    uint64_t total_ns;       /**< from the call to the end */
} vb_result;

#define VB_RESULT_INIT {sizeof(vb_result), 0, 0, 0, 0, 0, 0, 0} /**< to be filled */

/** How it ended.
 * @param request  an answer  @param result  filled as far as its struct_size goes
 * @return VB_OK; VB_AGAIN before VB_END or an error was returned for it: then *result is left alone */
VB_API VB_WARN_UNUSED int32_t vb_request_get_result(const vb_request* request, vb_result* result);

/** Cancels it, unless VB_END was returned for it. `news` is not called any more, and does not run when this returns:
 * where another thread is in it, this waits.
 * @param request  not used after this; NULL: nothing */
VB_API void vb_request_free(vb_request* request);

/** @}
 * @defgroup loops Event loops
 * @{ */

/** A descriptor that is readable while requests with a `news` callback have some. It belongs to the model: watch it, do
 * not read or close it.
 * @param model  an open model
 * @return the descriptor, or an error */
VB_API VB_WARN_UNUSED int32_t vb_model_fd(const vb_model* model);

/** Calls `news` for each request that has some, once, on this thread; there call vb_request_next() with timeout 0 until
 * it says VB_AGAIN or that it is over. What stays unread is news again the next time. Never waits for the engine.
 * @param model  an open model
 * @return how many had news, or an error */
VB_API VB_WARN_UNUSED int32_t vb_model_dispatch(vb_model* model);

/** @}
 * @defgroup sessions Sessions
 * @{ */

/** An empty conversation.
 * @param model  an open model  @param out  the session, for vb_session_free() */
VB_API VB_WARN_UNUSED int32_t vb_session_open(vb_model* model, vb_session** out);

/** Adds messages and begins to answer. When VB_END is returned for it the answer becomes part of the conversation; one
 * that fails, or is cancelled or freed before, leaves the conversation as it was before the call. One request at a time:
 * another one before that fails with VB_ERROR_REQUEST.
 * @param session  a conversation  @param messages  what is new, a JSON array as for vb_model_chat()
 * @param options  NULL: the defaults  @param out  the request, for vb_request_free() */
VB_API VB_WARN_UNUSED int32_t vb_session_chat(vb_session* session, const char* messages,
                                              const vb_request_options* options, vb_request** out);

/** The conversation so far.
 * @param session  a conversation  @param out  a JSON array */
VB_API VB_WARN_UNUSED int32_t vb_session_messages(const vb_session* session, vb_buffer** out);

/** Writes the conversation and what is computed of it to a file, as a whole or not at all. Blocks.
 * @param session  a conversation  @param path  the file, which only its owner may read and write */
VB_API VB_WARN_UNUSED int32_t vb_session_save(vb_session* session, const char* path);

/** The session of a file that vb_session_save() wrote for the same model file (its size, its time of modification and
 * its content), with the same libllama and ggml, the same features of the CPU and the same devices; else VB_ERROR_FILE.
 * The options of vb_model_open() may be others. Only load files that nobody else could have written: libllama trusts
 * their content, so a file that others may write, or that belongs to neither this user nor root, is refused. Blocks.
 * @param model  an open model  @param path  the file; no symbolic link
 * @param out  the session, for vb_session_free() */
VB_API VB_WARN_UNUSED int32_t vb_session_load(vb_model* model, const char* path, vb_session** out);

/** Ends the conversation; an answer of it that is under way is cancelled.
 * @param session  not used after this; NULL: nothing */
VB_API void vb_session_free(vb_session* session);
/** @} */

#ifdef __cplusplus
}
#endif

#endif
