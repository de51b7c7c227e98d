/* Goes on with many texts side by side, on one thread, in an event loop that could watch other things as well.
 *
 *   cc epoll.c -o epoll $(pkg-config --cflags --libs vector_boot) && ./epoll model.gguf 'Rain is' 'Snow is' */
#define _POSIX_C_SOURCE 200809L /* open_memstream */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <vector_boot.h>

struct answer {
    const char* prompt;
    vb_request* request; /* NULL: it is over */
    FILE* stream;        /* into `text` */
    char* text;
    size_t length;
    size_t* open_count; /* answers under way */
};

/* Called in vb_model_dispatch(), on this program's only thread. */
static void on_news(vb_request* request, void* user_data) {
    struct answer* const answer = user_data;
    vb_piece piece = VB_PIECE_INIT;
    int32_t status;
    while ((status = vb_request_next(request, 0, &piece)) == VB_OK) {
        fwrite(piece.text, 1, piece.length, answer->stream);
    }
    if (status == VB_AGAIN) { return; }
    if (status < 0) { fprintf(answer->stream, "%s: %s", vb_status_name(status), vb_error_last()); }
    vb_request_free(request); /* allowed here */
    answer->request = NULL;
    --*answer->open_count;
}

static int32_t begin(vb_model* model, struct answer* answer, size_t* open_count) {
    vb_request_options options = VB_REQUEST_OPTIONS_INIT;
    options.max_tokens = 40;
    options.news = on_news;
    options.news_data = answer;
    answer->open_count = open_count;
    answer->stream = open_memstream(&answer->text, &answer->length);
    if (answer->stream == NULL) { abort(); }
    const int32_t status =
        vb_model_complete(model, answer->prompt, strlen(answer->prompt), &options, &answer->request);
    if (status == VB_OK) { ++*open_count; }
    return status;
}

/* Until every answer is complete. */
static int32_t run(vb_model* model, const size_t* open_count) {
    const int loop = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = model}};
    const int32_t descriptor = vb_model_fd(model);
    if (descriptor < 0) { return descriptor; }
    if (loop < 0 || epoll_ctl(loop, EPOLL_CTL_ADD, descriptor, &event) != 0) { abort(); }
    while (*open_count > 0) {
        const int count = epoll_wait(loop, &event, 1, -1);
        if (count < 0 && errno != EINTR) { abort(); }
        if (count == 1 && event.data.ptr == model) {
            const int32_t status = vb_model_dispatch(model);
            if (status < 0) { return status; }
        }
    }
    return VB_OK; /* the loop's descriptor ends with the program */
}

int main(int argc, char** argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: %s MODEL.gguf TEXT...\n", argv[0]);
        return 2;
    }
    const size_t count = (size_t)argc - 2;
    struct answer* const answers = calloc(count, sizeof *answers);
    if (answers == NULL) { abort(); }
    size_t open_count = 0;
    vb_model* model = NULL;
    int32_t status = vb_model_open(argv[1], NULL, &model);
    for (size_t index = 0; index < count && status == VB_OK; ++index) {
        answers[index].prompt = argv[index + 2];
        status = begin(model, &answers[index], &open_count);
    }
    if (status == VB_OK) { status = run(model, &open_count); }
    if (status < 0) { fprintf(stderr, "%s: %s\n", vb_status_name(status), vb_error_last()); }
    for (size_t index = 0; index < count; ++index) {
        if (answers[index].stream == NULL) { continue; }
        fclose(answers[index].stream);
        if (status == VB_OK) { printf("%s\n  %s\n", answers[index].prompt, answers[index].text); }
        vb_request_free(answers[index].request);
        free(answers[index].text);
    }
    free(answers);
    vb_model_free(model);
    return status == VB_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
