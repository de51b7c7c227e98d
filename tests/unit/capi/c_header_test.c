/* The header as C11 alone: its numbers and sizes are what was promised, and every function refuses NULL with
 * a text. */
#include "vector_boot_device.h"
#include "vector_boot_machine.h"

#include <stdio.h>
#include <string.h>

_Static_assert(VB_OK == 0 && VB_END == 1 && VB_AGAIN == 2, "success");
_Static_assert(VB_ERROR_ARGUMENT == -1 && VB_ERROR_MODEL == -2 && VB_ERROR_RESOURCES == -3, "errors");
_Static_assert(VB_ERROR_REQUEST == -4 && VB_ERROR_INTERNAL == -5 && VB_ERROR_CANCELLED == -6, "errors");
_Static_assert(VB_ERROR_DEADLINE == -7 && VB_ERROR_CONTEXT == -8 && VB_ERROR_FILE == -9, "errors");
_Static_assert(VB_ERROR_FORKED == -10 && VB_ERROR_DEVICE == -11, "errors");
_Static_assert(VB_FINISH_NONE == 0 && VB_FINISH_STOP == 1 && VB_FINISH_LENGTH == 2, "ends");
_Static_assert(VB_LOG_ERROR == 3 && VB_LOG_WARNING == 4 && VB_LOG_NOTICE == 5, "levels");
_Static_assert(VB_LOG_INFO == 6 && VB_LOG_DEBUG == 7, "levels");

static int failures = 0;

static void check(int good, const char* what) {
    if (!good) {
        printf("%s: status text \"%s\"\n", what, vb_error_last());
        ++failures;
    }
}

/* What `out` points to before: something that the call must replace by NULL. */
#define SOMETHING ((void*)&failures)

/* The call refuses its arguments and names itself. */
static void refused(int32_t status, const char* function) {
    check(status == VB_ERROR_ARGUMENT, function);
    check(strncmp(vb_error_last(), function, strlen(function)) == 0, function);
    check(strstr(vb_error_last(), " is NULL") != NULL, function);
}

/* And leaves no handle behind; the next one gets something again. */
#define REFUSED_WITH(out, call, function)                                                                    \
    do {                                                                                                     \
        (out) = SOMETHING;                                                                                   \
        refused(call, function);                                                                             \
        check((out) == NULL, function);                                                                      \
    } while (0)

static void refuse_null_models(void) {
    const int32_t token = 0;
    const char* const text = "text";
    vb_model_info info = VB_MODEL_INFO_INIT;
    vb_model* model = NULL;
    vb_buffer* buffer = NULL;
    vb_request* request = NULL;
    vb_session* session = NULL;
    REFUSED_WITH(model, vb_model_open(NULL, NULL, &model), "vb_model_open");
    refused(vb_model_open("x", NULL, NULL), "vb_model_open");
    refused(vb_model_get_info(NULL, &info), "vb_model_get_info");
    check(strcmp(vb_model_name(NULL), "") == 0, "vb_model_name");
    REFUSED_WITH(buffer, vb_model_tokenize(NULL, text, 4, 0, &buffer), "vb_model_tokenize");
    REFUSED_WITH(buffer, vb_model_detokenize(NULL, &token, 1, 0, &buffer), "vb_model_detokenize");
    REFUSED_WITH(buffer, vb_model_render(NULL, "[]", &buffer), "vb_model_render");
    REFUSED_WITH(buffer, vb_model_embed(NULL, &text, 1, &buffer), "vb_model_embed");
    REFUSED_WITH(request, vb_model_chat(NULL, "[]", NULL, &request), "vb_model_chat");
    REFUSED_WITH(request, vb_model_complete(NULL, text, 4, NULL, &request), "vb_model_complete");
    REFUSED_WITH(request, vb_model_complete_tokens(NULL, &token, 1, NULL, &request),
                 "vb_model_complete_tokens");
    refused(vb_model_fd(NULL), "vb_model_fd");
    refused(vb_model_dispatch(NULL), "vb_model_dispatch");
    REFUSED_WITH(session, vb_session_open(NULL, &session), "vb_session_open");
    REFUSED_WITH(session, vb_session_load(NULL, "file", &session), "vb_session_load");
}

static void refuse_null_devices(void) {
    uint64_t number = 0;
    vb_device* device = NULL;
    vb_region* region = NULL;
    vb_interrupt* interrupt = NULL;
    vb_poll* poll = NULL;
    vb_dma* dma = NULL;
    REFUSED_WITH(device, vb_device_open(NULL, &device), "vb_device_open");
    refused(vb_device_open("file:/x", NULL), "vb_device_open");
    REFUSED_WITH(region, vb_device_map(NULL, 0, &region), "vb_device_map");
    REFUSED_WITH(interrupt, vb_device_interrupt(NULL, &interrupt), "vb_device_interrupt");
    REFUSED_WITH(interrupt, vb_device_removal(NULL, &interrupt), "vb_device_removal");
    REFUSED_WITH(dma, vb_device_allocate(NULL, 1, 1, &dma), "vb_device_allocate");
    REFUSED_WITH(poll, vb_region_poll(NULL, 4, 0, 1, 0, &poll), "vb_region_poll");
    refused(vb_region_read(NULL, 4, 0, &number), "vb_region_read");
    refused(vb_region_write(NULL, 4, 0, 0), "vb_region_write");
    refused(vb_interrupt_take(NULL, &number), "vb_interrupt_take");
    refused(vb_poll_take(NULL, &number), "vb_poll_take");
    vb_device_free(NULL);
    vb_region_free(NULL);
    vb_interrupt_free(NULL);
    vb_poll_free(NULL);
    vb_dma_free(NULL);
}

static void refuse_null_lines(void) {
    int32_t value = 0;
    vb_gpio_edge edge = VB_GPIO_EDGE_INIT;
    vb_input_event key = VB_INPUT_EVENT_INIT;
    vb_uevent event = VB_UEVENT_INIT;
    vb_gpio* line = NULL;
    vb_input* input = NULL;
    REFUSED_WITH(line, vb_gpio_open(NULL, &line), "vb_gpio_open");
    refused(vb_gpio_open("gpio:a:1", NULL), "vb_gpio_open");
    check(strcmp(vb_gpio_name(NULL), "") == 0, "vb_gpio_name");
    refused(vb_gpio_read(NULL, &value), "vb_gpio_read");
    refused(vb_gpio_write(NULL, 1), "vb_gpio_write");
    refused(vb_gpio_fd(NULL), "vb_gpio_fd");
    refused(vb_gpio_take(NULL, &edge), "vb_gpio_take");
    REFUSED_WITH(input, vb_input_open(NULL, &input), "vb_input_open");
    refused(vb_input_open("input:event0", NULL), "vb_input_open");
    check(strcmp(vb_input_name(NULL), "") == 0, "vb_input_name");
    refused(vb_input_fd(NULL), "vb_input_fd");
    refused(vb_input_take(NULL, &key), "vb_input_take");
    refused(vb_input_is_pressed(NULL, 1), "vb_input_is_pressed");
    refused(vb_input_is_on(NULL, 1), "vb_input_is_on");
    refused(vb_uevents_open(NULL), "vb_uevents_open");
    refused(vb_uevents_fd(NULL), "vb_uevents_fd");
    refused(vb_uevents_take(NULL, &event), "vb_uevents_take");
    refused(vb_device_check(NULL), "vb_device_check");
    vb_gpio_free(NULL);
    vb_input_free(NULL);
    vb_uevents_free(NULL);
}

static void refuse_null_handles(void) {
    vb_piece piece = VB_PIECE_INIT;
    vb_result result = VB_RESULT_INIT;
    vb_request_options options = VB_REQUEST_OPTIONS_INIT;
    vb_buffer* buffer = NULL;
    vb_request* request = NULL;
    refused(vb_request_next(NULL, 0, &piece), "vb_request_next");
    refused(vb_request_run(NULL, NULL, NULL), "vb_request_run");
    refused(vb_request_get_result(NULL, &result), "vb_request_get_result");
    REFUSED_WITH(request, vb_session_chat(NULL, "[]", &options, &request), "vb_session_chat");
    REFUSED_WITH(buffer, vb_session_messages(NULL, &buffer), "vb_session_messages");
    refused(vb_session_save(NULL, "file"), "vb_session_save");
    vb_request_cancel(NULL);
    vb_request_free(NULL);
    vb_session_free(NULL);
    vb_model_free(NULL);
    vb_buffer_free(NULL);
    check(vb_buffer_size(NULL) == 0 && vb_buffer_data(NULL) != NULL, "vb_buffer");
}

int main(void) {
    vb_model* model = NULL;
    vb_model_options options = VB_MODEL_OPTIONS_INIT;
    refuse_null_models();
    refuse_null_devices();
    refuse_null_lines();
    refuse_null_handles();
    check(vb_model_open("/nonexistent.gguf", &options, &model) == VB_ERROR_MODEL, "vb_model_open");
    check(model == NULL && strstr(vb_error_last(), "/nonexistent.gguf") != NULL, "vb_model_open");
    check(strcmp(vb_version(), VB_EXPECTED_VERSION) == 0, "vb_version");
    return failures == 0 ? 0 : 1;
}
