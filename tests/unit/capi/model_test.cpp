// Opening models, and what is known of them without an answer.
#include "tiny_model.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <mutex>
#include <numeric>
#include <thread>

namespace vector_boot::testing {
namespace {

TEST(Status, HasANameForEachNumber) {
    const std::array names = {"VB_ERROR_DEVICE",
                              "VB_ERROR_FORKED",
                              "VB_ERROR_FILE",
                              "VB_ERROR_CONTEXT",
                              "VB_ERROR_DEADLINE",
                              "VB_ERROR_CANCELLED",
                              "VB_ERROR_INTERNAL",
                              "VB_ERROR_REQUEST",
                              "VB_ERROR_RESOURCES",
                              "VB_ERROR_MODEL",
                              "VB_ERROR_ARGUMENT",
                              "VB_OK",
                              "VB_END",
                              "VB_AGAIN"};
    for (std::int32_t status = -11; const char* const name : names) {
        EXPECT_STREQ(vb_status_name(status++), name);
    }
    for (const std::int32_t unknown : {3, -12, INT32_MAX, INT32_MIN}) {
        EXPECT_STREQ(vb_status_name(unknown), "unknown");
    }
}

TEST(Open, SaysWhatIsWrongWithAFile) {
    for (const char* const path : {"/dev/null", "/nonexistent/model.gguf", "/", ""}) {
        const auto model = Model::open(path);
        ASSERT_FALSE(model.has_value()) << path;
        EXPECT_EQ(model.error().status, VB_ERROR_MODEL) << path;
        EXPECT_NE(model.error().message.find(path), std::string::npos) << model.error().message;
    }
}

TEST(Open, TellsProgressOnItsOwnThreadUpToOne) {
    std::vector<float> told;
    const auto here = std::this_thread::get_id();
    const Model model = open_tiny({.progress = [&](float loaded) {
        EXPECT_EQ(std::this_thread::get_id(), here);
        told.push_back(loaded);
        return true;
    }});
    ASSERT_FALSE(told.empty());
    EXPECT_TRUE(std::ranges::is_sorted(told));
    EXPECT_GE(told.front(), 0);
    EXPECT_EQ(told.back(), 1);
}

TEST(Open, GivesUpWhenProgressSaysSo) {
    const auto model = Model::open(VB_TINY_MODEL, {.progress = [](float) { return false; }});
    ASSERT_FALSE(model.has_value());
    EXPECT_EQ(model.error().status, VB_ERROR_CANCELLED);
}

TEST(Open, LogsLinesOneAtATimeDownToTheLevelThatIsWanted) {
    std::mutex one_at_a_time;
    std::vector<std::int32_t> levels;
    const auto log = [&](std::int32_t level, std::string_view text) {
        const std::unique_lock lock(one_at_a_time, std::try_to_lock);
        EXPECT_TRUE(lock.owns_lock());
        EXPECT_FALSE(text.empty());
        EXPECT_EQ(text.find('\n'), std::string_view::npos);
        levels.push_back(level);
    };
    { const Model model = open_tiny({.log = log, .log_level = VB_LOG_DEBUG}); }
    EXPECT_TRUE(std::ranges::contains(levels, VB_LOG_DEBUG));
    levels.clear();
    { const Model model = open_tiny({.log = log, .log_level = VB_LOG_ERROR}); }
    EXPECT_EQ(std::ranges::count_if(levels, [](auto level) { return level > VB_LOG_ERROR; }), 0);
}

TEST_F(TinyModel, KnowsItself) {
    EXPECT_EQ(model.name(), "tiny");
    const auto info = model.info();
    ASSERT_TRUE(info.has_value()) << info.error().message;
    EXPECT_EQ(info->struct_size, sizeof(vb_model_info));
    EXPECT_EQ(info->context, 2048U);
    EXPECT_EQ(info->trained_context, 4096U);
    EXPECT_EQ(info->embedding, 64U);
    EXPECT_GT(info->vocabulary, 256U);
    EXPECT_GT(info->parameters, 10'000U);
    EXPECT_GT(info->weights, info->parameters / 2);
    EXPECT_GE(info->threads, 1U);
}

TEST(Open, TakesTheContextThatIsAskedFor) { EXPECT_EQ(open_tiny({.context = 256}).info()->context, 256U); }

TEST_F(TinyModel, TokensAreTextAgain) {
    const std::string text = "Hello, world! \xC3\xA4\xF0\x9F\x99\x82";
    const auto tokens = model.tokenize(text, false);
    ASSERT_TRUE(tokens.has_value()) << tokens.error().message;
    EXPECT_GT(tokens->size(), 3U);
    EXPECT_EQ(model.detokenize(*tokens, false), text);
    EXPECT_EQ(model.tokenize("", false)->size(), 0U);
    EXPECT_EQ(model.detokenize({}, false), "");
}

TEST_F(TinyModel, NamesOfControlTokensCountOnlyWhereAsked) {
    const auto as_text = model.tokenize("<|im_end|>", false);
    const auto as_token = model.tokenize("<|im_end|>", true);
    ASSERT_TRUE(as_text && as_token);
    EXPECT_GT(as_text->size(), as_token->size());
    EXPECT_NE(model.detokenize(*as_token, true)->find("<|im_end|>"), std::string::npos);
    EXPECT_EQ(model.detokenize(*as_token, false)->find("<|im_end|>"), std::string::npos);
}

TEST_F(TinyModel, RefusesTokensThatItDoesNotHave) {
    const auto vocabulary = static_cast<std::int32_t>(model.info()->vocabulary);
    for (const std::int32_t token : {-1, vocabulary, INT32_MAX}) {
        const std::array tokens = {token};
        const auto text = model.detokenize(tokens);
        ASSERT_FALSE(text.has_value()) << token;
        EXPECT_EQ(text.error().status, VB_ERROR_REQUEST) << token;
        EXPECT_EQ(read(model.complete(tokens)), "VB_ERROR_REQUEST") << token;
    }
}

TEST_F(TinyModel, RendersItsTemplate) {
    EXPECT_EQ(model.render(question), "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n");
    EXPECT_EQ(model.render("not json").error().status, VB_ERROR_REQUEST);
}

TEST_F(TinyModel, EmbedsTextsAsVectorsOfLengthOne) {
    const auto size = model.info()->embedding;
    const auto made = model.embed({"one text", "another", "one text"});
    ASSERT_TRUE(made.has_value()) << made.error().message;
    ASSERT_EQ(made->size(), 3 * size);
    const auto vector = [&](std::size_t index) { return made->view().subspan(index * size, size); };
    const auto product = [](auto one, auto other) {
        return std::inner_product(one.begin(), one.end(), other.begin(), 0.0);
    };
    EXPECT_NEAR(product(vector(0), vector(0)), 1, 1e-4);
    EXPECT_NEAR(product(vector(0), vector(2)), 1, 1e-3);
    EXPECT_LT(product(vector(0), vector(1)), 0.9999);
    EXPECT_EQ(model.embed({})->size(), 0U);
}

TEST_F(TinyModel, RefusesWhatItCannotEmbed) {
    vb_buffer* buffer = nullptr;
    const std::array<const char*, 2> texts = {"text", nullptr};
    EXPECT_EQ(vb_model_embed(model.handle(), texts.data(), texts.size(), &buffer), VB_ERROR_ARGUMENT);
    EXPECT_STREQ(vb_error_last(), "vb_model_embed: texts[1] is NULL");
    std::string long_text;
    for (int word = 0; word < 5000; ++word) {
        long_text += "word " + std::to_string(word);
    }
    EXPECT_EQ(model.embed({long_text}).error().status, VB_ERROR_CONTEXT);
}

TEST_F(TinyModel, BuffersHoldTextWithANulAfterIt) {
    vb_buffer* buffer = nullptr;
    ASSERT_EQ(vb_model_render(model.handle(), question, &buffer), VB_OK);
    const auto* const text = static_cast<const char*>(vb_buffer_data(buffer));
    EXPECT_EQ(std::string(text).size(), vb_buffer_size(buffer));
    vb_buffer_free(buffer);
}

TEST_F(TinyModel, SuccessClearsTheErrorOfThisThreadOnly) {
    ASSERT_FALSE(model.render("not json").has_value());
    EXPECT_STRNE(vb_error_last(), "");
    std::thread([this] {
        EXPECT_STREQ(vb_error_last(), "");
        EXPECT_TRUE(model.info().has_value());
    }).join();
    EXPECT_STRNE(vb_error_last(), "");
    ASSERT_TRUE(model.info().has_value());
    EXPECT_STREQ(vb_error_last(), "");
}

} // namespace
} // namespace vector_boot::testing
