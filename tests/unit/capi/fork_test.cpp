// In the child of a fork the parent's handles say so, and can be freed.
#include "tiny_model.h"

#include <cstdlib>
#include <sys/wait.h>
#include <unistd.h>

namespace vector_boot::testing {
namespace {

// How many of the calls in the child did not do as they should.
int wrong_in_child(vb_model* model, vb_session* session, vb_request* request) {
    int wrong = 0;
    const auto refused = [&wrong](std::int32_t status) {
        const bool says_so = status == VB_ERROR_FORKED && *vb_error_last() != '\0';
        wrong += says_so ? 0 : 1;
    };
    vb_model_info info = VB_MODEL_INFO_INIT;
    vb_piece piece = VB_PIECE_INIT;
    vb_result result = VB_RESULT_INIT;
    vb_buffer* buffer = nullptr;
    vb_request* other = nullptr;
    vb_session* another = nullptr;
    const std::int32_t token = 1;
    const char* const text = "text";
    refused(vb_model_get_info(model, &info));
    refused(vb_model_tokenize(model, text, 4, 0, &buffer));
    refused(vb_model_detokenize(model, &token, 1, 0, &buffer));
    refused(vb_model_render(model, question, &buffer));
    refused(vb_model_embed(model, &text, 1, &buffer));
    refused(vb_model_chat(model, question, nullptr, &other));
    refused(vb_model_complete(model, text, 4, nullptr, &other));
    refused(vb_model_complete_tokens(model, &token, 1, nullptr, &other));
    refused(vb_model_fd(model));
    refused(vb_model_dispatch(model));
    refused(vb_request_next(request, -1, &piece));
    refused(vb_request_run(request, nullptr, nullptr));
    refused(vb_request_get_result(request, &result));
    refused(vb_session_open(model, &another));
    refused(vb_session_chat(session, question, nullptr, &other));
    refused(vb_session_messages(session, &buffer));
    refused(vb_session_save(session, "/tmp/no-file"));
    refused(vb_session_load(model, "/tmp/no-file", &another));
    vb_request_cancel(request);
    vb_model_free(model);
    vb_request_free(request);
    vb_session_free(session);
    return wrong;
}

TEST(Fork, HandlesOfTheParentAreRefusedAndFreedInTheChild) {
    vb_model* model = nullptr;
    vb_session* session = nullptr;
    vb_request* request = nullptr;
    ASSERT_EQ(vb_model_open(VB_TINY_MODEL, nullptr, &model), VB_OK) << vb_error_last();
    ASSERT_EQ(vb_session_open(model, &session), VB_OK);
    vb_request_options options = VB_REQUEST_OPTIONS_INIT;
    options.max_tokens = 64;
    ASSERT_EQ(vb_session_chat(session, question, &options, &request), VB_OK);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        ::alarm(60); // a deadlock is a failure, not a test that never ends
        ::_exit(wrong_in_child(model, session, request));
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
    EXPECT_EQ(WEXITSTATUS(status), 0) << "calls that were wrong";
    // The parent goes on as if nothing had been.
    EXPECT_EQ(vb_request_run(request, nullptr, nullptr), VB_OK);
    vb_request_free(request);
    vb_session_free(session);
    vb_model_free(model);
}

TEST(Fork, AChildMayOpenAModelOfItsOwn) {
#ifdef __SANITIZE_THREAD__
    GTEST_SKIP() << "ThreadSanitizer starts no threads in the child of a process that had some";
#endif
    Model parent = open_tiny();
    const std::string answer = ask(parent);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        ::alarm(60);
        Result<Model> own = Model::open(VB_TINY_MODEL);
        ::_exit(own && ask(*own) == answer ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

} // namespace
} // namespace vector_boot::testing
