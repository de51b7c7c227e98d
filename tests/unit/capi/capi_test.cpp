#include "vector_boot.h"

#include <gtest/gtest.h>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr char question[] = R"([{"role":"user","content":"Hello"}])";

int32_t append(const char* text, size_t length, void* user_data) {
    static_cast<std::string*>(user_data)->append(text, length);
    return 0;
}

class EngineHandle : public ::testing::Test {
  protected:
    void SetUp() override {
        ASSERT_EQ(vb_engine_open(VB_TINY_MODEL, nullptr, &engine), VB_OK) << vb_error_last();
    }
    void TearDown() override { vb_engine_free(engine); }

    std::string ask(uint32_t max_tokens) {
        vb_chat_options options = VB_CHAT_OPTIONS_INIT;
        options.max_tokens = max_tokens;
        std::string answer;
        EXPECT_EQ(vb_engine_chat(engine, question, &options, append, &answer), VB_OK) << vb_error_last();
        return answer;
    }

    vb_engine* engine = nullptr;
};

TEST_F(EngineHandle, AnswersTheSameGreedyTextEachTime) {
    const std::string answer = ask(12);
    EXPECT_FALSE(answer.empty());
    EXPECT_EQ(ask(12), answer);
}

TEST_F(EngineHandle, AnswersSeveralThreads) {
    const std::string expected = ask(8);
    std::vector<std::string> answers(4);
    std::vector<std::thread> threads;
    for (std::string& answer : answers) {
        threads.emplace_back([this, &answer] { answer = ask(8); });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    for (const std::string& answer : answers) {
        EXPECT_EQ(answer, expected);
    }
}

TEST_F(EngineHandle, StopsWhenTheCallbackSaysSo) {
    int calls = 0;
    const auto stop = [](const char*, size_t, void* user_data) -> int32_t {
        ++*static_cast<int*>(user_data);
        return 1;
    };
    EXPECT_EQ(vb_engine_chat(engine, question, nullptr, stop, &calls), VB_ERROR_CANCELLED);
    EXPECT_EQ(calls, 1);
}

TEST_F(EngineHandle, SaysWhatIsWrongWithMessages) {
    for (const char* const wrong : {"", "not json", "{}", "[]", "[3]", R"([{"role":"user"}])"}) {
        EXPECT_EQ(vb_engine_chat(engine, wrong, nullptr, append, nullptr), VB_ERROR_REQUEST) << wrong;
        EXPECT_STRNE(vb_error_last(), "") << wrong;
    }
}

TEST_F(EngineHandle, RefusesOptionsFromTheFutureOnlyIfTheyAreUsed) {
    struct {
        vb_chat_options known = VB_CHAT_OPTIONS_INIT;
        uint32_t newer = 0;
    } options;
    options.known.struct_size = sizeof options;
    options.known.max_tokens = 2;
    std::string answer;
    EXPECT_EQ(vb_engine_chat(engine, question, &options.known, append, &answer), VB_OK);
    options.newer = 1;
    EXPECT_EQ(vb_engine_chat(engine, question, &options.known, append, &answer), VB_ERROR_ARGUMENT);
    options.known.struct_size = 0;
    EXPECT_EQ(vb_engine_chat(engine, question, &options.known, append, &answer), VB_ERROR_ARGUMENT);
}

TEST(Status, HasAName) {
    EXPECT_STREQ(vb_status_name(VB_OK), "VB_OK");
    EXPECT_STREQ(vb_status_name(VB_ERROR_CANCELLED), "VB_ERROR_CANCELLED");
    EXPECT_STREQ(vb_status_name(1), "unknown");
    EXPECT_STREQ(vb_status_name(-7), "unknown");
    EXPECT_STREQ(vb_status_name(INT32_MIN), "unknown");
}

TEST(Open, RefusesNullsAndSaysWhy) {
    vb_engine* engine = nullptr;
    EXPECT_EQ(vb_engine_open(nullptr, nullptr, &engine), VB_ERROR_ARGUMENT);
    EXPECT_EQ(vb_engine_open("x", nullptr, nullptr), VB_ERROR_ARGUMENT);
    EXPECT_EQ(vb_engine_open("/dev/null", nullptr, &engine), VB_ERROR_MODEL);
    EXPECT_NE(std::string(vb_error_last()).find("/dev/null"), std::string::npos);
    vb_engine_free(nullptr);
}

} // namespace
