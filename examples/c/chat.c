/* Chats with a model: each line of the standard input is a question, the answer comes as it is made.
 *
 *   cc chat.c -o chat $(pkg-config --cflags --libs vector_boot) && ./chat model.gguf */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vector_boot.h>

static int32_t print(const vb_piece* piece, void* stream) {
    fwrite(piece->text, 1, piece->length, stream);
    return fflush(stream); /* other than 0 cancels the answer */
}

static int report(int32_t status) {
    fprintf(stderr, "%s: %s\n", vb_status_name(status), vb_error_last());
    return EXIT_FAILURE;
}

/* [{"role":"user","content":"..."}], to be freed. */
static char* message(const char* text) {
    static const char before[] = "[{\"role\":\"user\",\"content\":\"";
    char* const json = malloc(sizeof before + 6 * strlen(text) + 4);
    if (json == NULL) { abort(); }
    char* end = json + sprintf(json, "%s", before);
    for (; *text != '\0'; ++text) {
        const unsigned char byte = (unsigned char)*text;
        const int is_plain = byte >= ' ' && byte != '"' && byte != '\\';
        end += is_plain ? sprintf(end, "%c", byte) : sprintf(end, "\\u%04x", byte);
    }
    strcpy(end, "\"}]");
    return json;
}

static int32_t answer(vb_session* session, const char* question) {
    vb_request_options options = VB_REQUEST_OPTIONS_INIT;
    options.max_tokens = 256;
    vb_request* request = NULL;
    char* const messages = message(question);
    int32_t status = vb_session_chat(session, messages, &options, &request);
    free(messages);
    if (status == VB_OK) { status = vb_request_run(request, print, stdout); }
    vb_request_free(request);
    return status;
}

int main(int argc, char** argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: %s MODEL.gguf\n", argv[0]);
        return 2;
    }
    vb_model* model = NULL;
    vb_session* session = NULL;
    int32_t status = vb_model_open(argv[1], NULL, &model);
    if (status == VB_OK) { status = vb_session_open(model, &session); }

    char line[4096];
    while (status == VB_OK && fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        status = answer(session, line);
        putchar('\n');
    }
    const int result = status == VB_OK ? EXIT_SUCCESS : report(status);
    vb_session_free(session);
    vb_model_free(model);
    return result;
}
