// Many threads, one engine; handles freed in any order while work is under way.
#include "tiny_model.h"

#include <array>
#include <filesystem>
#include <latch>
#include <thread>
#include <unistd.h>

namespace vector_boot::testing {
namespace {

using namespace std::chrono_literals;

TEST_F(TinyModel, GreedyAnswersAreTheSameUnderParallelLoad) {
    const std::array questions = {
        R"([{"role":"user","content":"Hello"}])",
        R"([{"role":"user","content":"Why is the sky blue?"}])",
        R"([{"role":"system","content":"Be brief."},{"role":"user","content":"Hello"}])",
    };
    std::array<std::string, questions.size()> alone;
    for (std::size_t index = 0; index < questions.size(); ++index) {
        alone[index] = read(model.chat(questions[index], {.max_tokens = 20}));
        EXPECT_FALSE(alone[index].starts_with("VB_ERROR")) << alone[index];
    }
    std::vector<std::jthread> threads;
    for (std::size_t thread = 0; thread < 12; ++thread) {
        threads.emplace_back([&, which = thread % questions.size()] {
            for (int round = 0; round < 3; ++round) {
                EXPECT_EQ(read(model.chat(questions[which], {.max_tokens = 20})), alone[which]);
            }
        });
    }
}

TEST_F(TinyModel, IsCancelledFromAnotherThread) {
    auto request = model.complete("Once", {.slides = true}); // which would never end
    ASSERT_TRUE(request.has_value());
    Piece piece;
    ASSERT_EQ(request->next(piece), Request::Next::piece);
    const std::jthread other([&] { request->cancel(); });
    EXPECT_EQ(request->text().error().status, VB_ERROR_CANCELLED);
}

TEST_F(TinyModel, RequestsThatWaitForTheirTurnAreCancelled) {
    Model one = open_tiny({.parallel = 1});
    auto running = one.complete("Once", {.slides = true});
    auto waiting = one.chat(question, {.max_tokens = 2});
    ASSERT_TRUE(running && waiting);
    waiting->cancel();
    EXPECT_EQ(waiting->text().error().status, VB_ERROR_CANCELLED);
    running->cancel();
    EXPECT_EQ(running->text().error().status, VB_ERROR_CANCELLED);
}

TEST(Freeing, AModelEndsTheRequestsThatOthersWaitFor) {
    vb_model* model = nullptr;
    ASSERT_EQ(vb_model_open(VB_TINY_MODEL, nullptr, &model), VB_OK) << vb_error_last();
    constexpr std::size_t count = 12; // more than are computed at once
    std::vector<vb_request*> requests(count);
    vb_request_options options = VB_REQUEST_OPTIONS_INIT;
    options.slides = 1;
    for (vb_request*& request : requests) {
        ASSERT_EQ(vb_model_complete(model, "Once", 4, &options, &request), VB_OK);
    }
    std::latch waiting(count);
    std::vector<std::jthread> readers;
    for (vb_request* const request : requests) {
        readers.emplace_back([&waiting, request] {
            waiting.count_down();
            EXPECT_EQ(vb_request_run(request, nullptr, nullptr), VB_ERROR_CANCELLED);
            vb_request_free(request);
        });
    }
    waiting.wait();
    vb_model_free(model);
}

TEST(Freeing, GoesInAnyOrderWithWorkUnderWay) {
    for (int order = 0; order < 6; ++order) {
        vb_model* model = nullptr;
        vb_session* session = nullptr;
        vb_request* request = nullptr;
        ASSERT_EQ(vb_model_open(VB_TINY_MODEL, nullptr, &model), VB_OK) << vb_error_last();
        ASSERT_EQ(vb_session_open(model, &session), VB_OK);
        ASSERT_EQ(vb_session_chat(session, question, nullptr, &request), VB_OK);
        vb_piece piece = VB_PIECE_INIT;
        ASSERT_EQ(vb_request_next(request, -1, &piece), VB_OK);
        std::array<std::array<int, 3>, 6> orders = {
            {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}};
        for (const int which : orders[static_cast<std::size_t>(order)]) {
            if (which == 0) { vb_model_free(model); }
            if (which == 1) { vb_session_free(session); }
            if (which == 2) { vb_request_free(request); }
        }
    }
}

TEST(Freeing, AModelLeavesWhatIsCompleteToBeRead) {
    std::optional<Model> model = open_tiny({.parallel = 1});
    const std::string answer = ask(*model, 6);
    auto request = model->chat(question, {.max_tokens = 6});
    ASSERT_TRUE(request.has_value());
    ASSERT_FALSE(ask(*model).empty()); // in the order they come: the first is complete
    model.reset();
    EXPECT_EQ(request->text(), answer);
}

TEST(Freeing, AModelEndsASaveThatAnotherThreadWaitsFor) {
    const std::string file = "/tmp/vector_boot_save_" + std::to_string(::getpid());
    for (int round = 0; round < 4; ++round) {
        std::optional<Model> model = open_tiny();
        Session session = *model->session();
        ASSERT_EQ(read(session.chat(question, {.max_tokens = 6})), ask(*model, 6));
        std::latch saved_once(1);
        const std::jthread saver([&] {
            Result<> saved = session.save(file);
            EXPECT_TRUE(saved.has_value()) << saved.error().message;
            saved_once.count_down();
            while (saved) {
                saved = session.save(file);
            }
            EXPECT_EQ(saved.error().status, VB_ERROR_CANCELLED) << saved.error().message;
        });
        saved_once.wait();
        model.reset();
    }
    std::filesystem::remove(file);
}

} // namespace
} // namespace vector_boot::testing
