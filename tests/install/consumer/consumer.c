/* Asks a model one question through the installed library. */
#include <stdio.h>
#include <vector_boot.h>

static int32_t print(const char* text, size_t length, void* user_data) {
    return fwrite(text, 1, length, user_data) == length ? 0 : 1;
}

int main(int argc, char** argv) {
    vb_engine* engine = NULL;
    vb_chat_options options = VB_CHAT_OPTIONS_INIT;
    options.max_tokens = 8;
    int32_t status = vb_engine_open(argc > 1 ? argv[1] : "", NULL, &engine);
    if (status == VB_OK) {
        status =
            vb_engine_chat(engine, "[{\"role\":\"user\",\"content\":\"Hello\"}]", &options, print, stdout);
    }
    if (status != VB_OK) { fprintf(stderr, "%s: %s\n", vb_status_name(status), vb_error_last()); }
    vb_engine_free(engine);
    return status == VB_OK ? 0 : 1;
}
