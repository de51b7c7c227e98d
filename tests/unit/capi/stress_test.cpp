// Long and wild use, above all for the sanitizers: VB_STRESS_SECONDS (5) of sixteen threads, VB_STRESS_CYCLES
// (20) models opened and freed.
#include "tiny_model.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <poll.h>
#include <random>
#include <thread>
#include <unistd.h>

namespace vector_boot::testing {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

long number_from_environment(const char* name, long otherwise) {
    const char* const value = std::getenv(name);
    return value != nullptr ? std::strtol(value, nullptr, 10) : otherwise;
}

class Stress : public TinyModel {
  protected:
    static constexpr unsigned threads = 16;

    void SetUp() override {
        std::string pattern = "/tmp/vector_boot_stress_XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        directory = pattern;
        answer = ask(model, 6);
        ASSERT_FALSE(answer.starts_with("VB_ERROR")) << answer;
    }
    void TearDown() override { std::filesystem::remove_all(directory); }

    // One thing that a program might do, chosen by chance.
    void act(std::minstd_rand& chance, unsigned thread);

    void read_whole() { EXPECT_EQ(ask(model, 6), answer); }
    void cancel_somewhere(std::minstd_rand& chance);
    void free_at_once();
    void save_and_restore(unsigned thread);
    void be_told();
    void embed();

    std::filesystem::path directory;
    std::string answer;
    std::atomic<unsigned long> actions = 0;
};

void Stress::act(std::minstd_rand& chance, unsigned thread) {
    switch (chance() % 8) {
    case 0:
    case 1:
        return read_whole();
    case 2:
    case 3:
        return cancel_somewhere(chance);
    case 4:
        return free_at_once();
    case 5:
        return save_and_restore(thread);
    case 6:
        return be_told();
    default:
        return embed();
    }
}

void Stress::cancel_somewhere(std::minstd_rand& chance) {
    auto request = model.chat(question, {.max_tokens = 400});
    ASSERT_TRUE(request.has_value()) << request.error().message;
    Piece piece;
    for (auto left = chance() % 4; left > 0; --left) {
        ASSERT_TRUE(request->next(piece).has_value());
    }
    if (chance() % 2 == 0) {
        request->cancel();
    } else {
        const std::jthread other([&request] { request->cancel(); });
    }
    const auto text = request->text();
    ASSERT_FALSE(text.has_value());
    EXPECT_EQ(text.error().status, VB_ERROR_CANCELLED);
}

void Stress::free_at_once() {
    EXPECT_TRUE(model.chat(question).has_value());
    auto session = model.session();
    ASSERT_TRUE(session.has_value());
    EXPECT_TRUE(session->chat(question).has_value());
}

void Stress::save_and_restore(unsigned thread) {
    const std::string file = directory / std::to_string(thread);
    auto session = model.session();
    ASSERT_TRUE(session.has_value());
    EXPECT_EQ(read(session->chat(question, {.max_tokens = 6})), answer);
    const auto saved = session->save(file);
    ASSERT_TRUE(saved.has_value()) << saved.error().message;
    auto restored = model.load_session(file);
    ASSERT_TRUE(restored.has_value()) << restored.error().message;
    EXPECT_EQ(restored->messages(), session->messages());
    const std::string more = read(restored->chat(question, {.max_tokens = 3}));
    EXPECT_EQ(more, read(session->chat(question, {.max_tokens = 3})));
}

void Stress::be_told() {
    // Which thread dispatches is open: any may call the news of any.
    std::atomic<bool> is_over = false;
    struct News {
        std::atomic<bool>* is_over;
        std::string text;
    } news{&is_over, {}};
    vb_request_options options = VB_REQUEST_OPTIONS_INIT;
    options.max_tokens = 6;
    options.news_data = &news;
    options.news = [](vb_request* request, void* user_data) {
        auto* const mine = static_cast<News*>(user_data);
        vb_piece piece = VB_PIECE_INIT;
        std::int32_t status = VB_OK;
        while ((status = vb_request_next(request, 0, &piece)) == VB_OK) {
            mine->text.append(piece.text, piece.length);
        }
        if (status != VB_AGAIN) { *mine->is_over = true; }
    };
    vb_request* request = nullptr;
    ASSERT_EQ(vb_model_chat(model.handle(), question, &options, &request), VB_OK) << vb_error_last();
    while (!is_over) {
        pollfd watched{.fd = *model.fd(), .events = POLLIN, .revents = 0};
        ::poll(&watched, 1, 10); // another thread may have been told in our place
        EXPECT_TRUE(model.dispatch().has_value());
    }
    vb_request_free(request); // after the callback that ended it has returned
    EXPECT_EQ(news.text, answer);
}

void Stress::embed() {
    const auto made = model.embed({"one", "two"});
    ASSERT_TRUE(made.has_value()) << made.error().message;
    EXPECT_GT(made->size(), 2U);
}

TEST_F(Stress, SixteenThreadsDoAsTheyLike) {
    const auto end = Clock::now() + std::chrono::seconds(number_from_environment("VB_STRESS_SECONDS", 5));
    {
        std::vector<std::jthread> running;
        for (unsigned thread = 0; thread < threads; ++thread) {
            running.emplace_back([this, thread, end] {
                std::minstd_rand chance(thread + 1);
                while (Clock::now() < end && !HasFailure()) {
                    act(chance, thread);
                    ++actions;
                }
            });
        }
    }
    EXPECT_GE(actions, threads);
    RecordProperty("actions", static_cast<int>(actions));
    EXPECT_EQ(ask(model, 6), answer);
}

TEST(Cycles, ModelsAreOpenedAndFreedWithWorkUnderWay) {
    const long cycles = number_from_environment("VB_STRESS_CYCLES", 20);
    for (long cycle = 0; cycle < cycles && !::testing::Test::HasFailure(); ++cycle) {
        std::optional<Model> model = open_tiny({.context = 256, .threads = 1});
        auto session = model->session();
        auto one = session->chat(question);
        auto other = model->chat(question, {.max_tokens = 1});
        ASSERT_TRUE(one && other);
        if (cycle % 2 == 0) { EXPECT_TRUE(other->text().has_value()); }
        if (cycle % 3 == 0) { model.reset(); }
    }
}

TEST_F(TinyModel, RequestsAndSessionsAreMadeAndFreed) {
    const long cycles = 10 * number_from_environment("VB_STRESS_CYCLES", 20);
    for (long cycle = 0; cycle < cycles && !HasFailure(); ++cycle) {
        auto session = model.session();
        auto request = session->chat(question, {.max_tokens = 2});
        ASSERT_TRUE(request.has_value());
        if (cycle % 8 == 0) { EXPECT_TRUE(request->text().has_value()); }
    }
    EXPECT_FALSE(ask(model).empty());
}

} // namespace
} // namespace vector_boot::testing
