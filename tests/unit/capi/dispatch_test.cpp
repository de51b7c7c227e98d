// Requests in an event loop: the descriptor, vb_model_dispatch, and callbacks that do as they like.
#include "tiny_model.h"

#include <atomic>
#include <future>
#include <map>
#include <poll.h>
#include <thread>

namespace vector_boot::testing {
namespace {

using namespace std::chrono_literals;

// Readable within `timeout` milliseconds.
bool is_readable(const Model& model, int timeout) {
    pollfd watched{.fd = *model.fd(), .events = POLLIN, .revents = 0};
    return ::poll(&watched, 1, timeout) == 1 && watched.revents == POLLIN;
}

// A loop as an application has one: waits, dispatches, until `done`.
template <class Done>
void run_loop(Model& model, Done done) {
    while (!done()) {
        ASSERT_TRUE(is_readable(model, 60'000)) << "no news for a minute";
        ASSERT_TRUE(model.dispatch().has_value());
    }
}

TEST_F(TinyModel, TellsOfEachRequestInALoop) {
    constexpr std::size_t count = 6;
    std::vector<std::optional<Request>> requests(count);
    std::vector<std::string> answers(count);
    std::size_t ended = 0;
    for (std::size_t index = 0; index < count; ++index) {
        const auto news = [&, index] {
            Piece piece;
            for (;;) {
                const auto got = requests[index]->next(piece, 0ms);
                ASSERT_TRUE(got.has_value()) << got.error().message;
                if (*got == Request::Next::nothing_yet) { return; }
                if (*got == Request::Next::end) {
                    ++ended;
                    return;
                }
                answers[index] += piece.text;
            }
        };
        auto request = model.chat(question, {.max_tokens = 10, .news = news});
        ASSERT_TRUE(request.has_value());
        requests[index] = std::move(*request);
    }
    run_loop(model, [&] { return ended == count; });
    EXPECT_FALSE(is_readable(model, 0));
    EXPECT_EQ(model.dispatch(), 0);
    for (const std::string& answer : answers) {
        EXPECT_EQ(answer, ask(model, 10));
    }
}

TEST_F(TinyModel, SaysNothingOfRequestsWithoutNews) {
    EXPECT_FALSE(ask(model, 3).empty());
    EXPECT_FALSE(is_readable(model, 0));
    EXPECT_EQ(model.dispatch(), 0);
}

TEST_F(TinyModel, StaysReadableWhileSomethingIsUnread) {
    int calls = 0;
    auto request = model.chat(question, {.max_tokens = 2, .news = [&calls] { ++calls; }});
    ASSERT_TRUE(request.has_value());
    for (int round = 1; round <= 3; ++round) {
        ASSERT_TRUE(is_readable(model, 60'000));
        ASSERT_EQ(model.dispatch(), 1);
        EXPECT_EQ(calls, round);
    }
    // Read elsewhere: there is no news any more.
    ASSERT_TRUE(request->text().has_value());
    EXPECT_FALSE(is_readable(model, 0));
    EXPECT_EQ(model.dispatch(), 0);
    EXPECT_EQ(calls, 3);
}

TEST_F(TinyModel, CancellingIsNews) {
    std::optional<std::int32_t> status;
    std::optional<Request> request;
    const auto news = [&] {
        Piece piece;
        const auto got = request->next(piece, 0ms);
        if (!got) { status = got.error().status; }
    };
    request = *model.complete("Once", {.slides = true, .news = news});
    ASSERT_TRUE(is_readable(model, 60'000));
    request->cancel();
    run_loop(model, [&] { return status.has_value(); });
    EXPECT_EQ(*status, VB_ERROR_CANCELLED);
    EXPECT_FALSE(is_readable(model, 0));
}

// C callbacks, which may end the handles that they are about.
struct Freeing {
    vb_request* request = nullptr;
    vb_request* other = nullptr;
    int calls = 0;
};

TEST_F(TinyModel, ARequestMayBeFreedInItsOwnNews) {
    Freeing freeing;
    vb_request_options options = VB_REQUEST_OPTIONS_INIT;
    options.news_data = &freeing;
    options.news = [](vb_request* request, void* user_data) {
        auto* const mine = static_cast<Freeing*>(user_data);
        ++mine->calls;
        EXPECT_EQ(request, mine->request);
        vb_request_free(request);
    };
    ASSERT_EQ(vb_model_chat(model.handle(), question, &options, &freeing.request), VB_OK);
    ASSERT_TRUE(is_readable(model, 60'000));
    EXPECT_EQ(model.dispatch(), 1);
    EXPECT_FALSE(ask(model).empty());
    EXPECT_FALSE(is_readable(model, 0));
    EXPECT_EQ(freeing.calls, 1);
}

TEST(Dispatch, ARequestMayBeFreedInTheNewsOfAnother) {
    Model one_at_a_time = open_tiny({.parallel = 1});
    Freeing freeing;
    vb_request_options options = VB_REQUEST_OPTIONS_INIT;
    options.max_tokens = 1;
    options.news_data = &freeing;
    options.news = [](vb_request* request, void* user_data) {
        auto* const both = static_cast<Freeing*>(user_data);
        ++both->calls;
        vb_request_free(request == both->request ? both->other : both->request);
        (request == both->request ? both->other : both->request) = nullptr;
        EXPECT_EQ(vb_request_run(request, nullptr, nullptr), VB_OK);
    };
    ASSERT_EQ(vb_model_chat(one_at_a_time.handle(), question, &options, &freeing.request), VB_OK);
    ASSERT_EQ(vb_model_chat(one_at_a_time.handle(), question, &options, &freeing.other), VB_OK);
    ASSERT_FALSE(ask(one_at_a_time).empty()); // by then both have news
    EXPECT_EQ(one_at_a_time.dispatch(), 1);
    EXPECT_EQ(freeing.calls, 1);
    EXPECT_EQ(one_at_a_time.dispatch(), 0);
    vb_request_free(freeing.request);
    vb_request_free(freeing.other);
}

TEST_F(TinyModel, NewsOfARequestIsNotCalledWithinItself) {
    int depth = 0;
    int deepest = 0;
    std::optional<Request> request;
    const auto news = [&] {
        deepest = std::max(deepest, ++depth);
        EXPECT_EQ(model.dispatch(), 0);
        EXPECT_TRUE(request->text().has_value());
        --depth;
    };
    request = *model.chat(question, {.max_tokens = 4, .news = news});
    run_loop(model, [&] { return deepest > 0; });
    EXPECT_EQ(deepest, 1);
}

TEST_F(TinyModel, FreeingWaitsForNewsThatRunsElsewhere) {
    std::promise<void> inside;
    std::promise<void> go_on;
    std::atomic<bool> returned = false;
    auto request = model.chat(question, {.max_tokens = 2, .news = [&] {
                                             inside.set_value();
                                             go_on.get_future().wait();
                                             returned = true;
                                         }});
    ASSERT_TRUE(request.has_value());
    ASSERT_TRUE(is_readable(model, 60'000));
    std::thread loop([this] { EXPECT_EQ(model.dispatch(), 1); });
    inside.get_future().wait();
    std::thread free([&] {
        { const Request gone = std::move(*request); }
        EXPECT_TRUE(returned); // or `news` would run on with what the owner has given back
    });
    go_on.set_value();
    free.join();
    loop.join();
    EXPECT_FALSE(is_readable(model, 0));
}

TEST_F(TinyModel, SeveralThreadsMayDispatch) {
    constexpr int count = 16;
    std::atomic<int> ended = 0;
    struct Own {
        std::atomic<bool> inside = false;
        std::atomic<vb_request*> request = nullptr;
        std::atomic<int>* ended = nullptr;
    };
    std::vector<Own> own(count);
    vb_request_options options = VB_REQUEST_OPTIONS_INIT;
    options.max_tokens = 6;
    options.news = [](vb_request* request, void* user_data) {
        auto* const mine = static_cast<Own*>(user_data);
        EXPECT_FALSE(mine->inside.exchange(true)) << "news of one request on two threads at once";
        vb_piece piece = VB_PIECE_INIT;
        std::int32_t status = VB_OK;
        while ((status = vb_request_next(request, 0, &piece)) == VB_OK) {}
        if (status != VB_AGAIN) {
            EXPECT_EQ(status, VB_END) << vb_error_last();
            ++*mine->ended;
        }
        mine->inside = false;
    };
    for (Own& one : own) {
        one.ended = &ended;
        options.news_data = &one;
        vb_request* request = nullptr;
        ASSERT_EQ(vb_model_chat(model.handle(), question, &options, &request), VB_OK);
        one.request = request;
    }
    std::vector<std::thread> loops;
    for (int index = 0; index < 3; ++index) {
        loops.emplace_back([&] {
            while (ended < count) {
                if (is_readable(model, 20)) { EXPECT_TRUE(model.dispatch().has_value()); }
            }
        });
    }
    for (std::thread& loop : loops) {
        loop.join();
    }
    EXPECT_EQ(ended, count);
    for (const Own& one : own) {
        vb_request_free(one.request);
    }
}

TEST(Dispatch, AModelMayBeFreedInNews) {
    vb_model* model = nullptr;
    ASSERT_EQ(vb_model_open(VB_TINY_MODEL, nullptr, &model), VB_OK) << vb_error_last();
    vb_request_options options = VB_REQUEST_OPTIONS_INIT;
    options.news_data = model;
    options.news = [](vb_request*, void* user_data) { vb_model_free(static_cast<vb_model*>(user_data)); };
    vb_request* request = nullptr;
    ASSERT_EQ(vb_model_chat(model, question, &options, &request), VB_OK);
    const int fd = vb_model_fd(model);
    pollfd watched{.fd = fd, .events = POLLIN, .revents = 0};
    ASSERT_EQ(::poll(&watched, 1, 60'000), 1);
    EXPECT_EQ(vb_model_dispatch(model), 1);
    EXPECT_EQ(vb_request_run(request, nullptr, nullptr), VB_ERROR_CANCELLED);
    vb_request_free(request);
}

} // namespace
} // namespace vector_boot::testing
