#include "vector_boot.h"

#include <string.h>

static int32_t collect(const char* text, size_t length, void* user_data) {
    (void)text;
    *(size_t*)user_data += length;
    return 0;
}

int main(void) {
    vb_engine* engine = NULL;
    vb_engine_options options = VB_ENGINE_OPTIONS_INIT;
    vb_chat_options chat = VB_CHAT_OPTIONS_INIT;
    size_t length = 0;
    if (vb_engine_open("/nonexistent.gguf", &options, &engine) != VB_ERROR_MODEL || engine != NULL) {
        return 1;
    }
    if (strstr(vb_error_last(), "/nonexistent.gguf") == NULL) { return 2; }
    if (vb_engine_chat(NULL, "[]", &chat, collect, &length) != VB_ERROR_ARGUMENT) { return 3; }
    vb_engine_free(engine);
    return 0;
}
